"""Instances for a schema: known ones, sampled ones, mutants of both, edges of the schema, and values for any.

Bounded, and the same in every run: all chance comes from a seed.
"""

import copy
import random

import edges
from sampler import GENERIC, Sampler

SAMPLES = 8
STARTS = 12
MUTANTS = 5


def around(schema, known, name):
    """Instances for `schema`, of which some are `known`."""
    chance = random.Random(name)
    words = list(_words(schema))
    sampler = Sampler(schema, chance)
    start = known + [sampler.sample() for _ in range(SAMPLES)]
    most = start if len(start) <= STARTS else chance.sample(start, STARTS)
    mutants = [_mutant(each, words, chance) for each in most for _ in range(MUTANTS)]
    return _distinct(map(_json, [*start, *mutants, *edges.around(copy.deepcopy(schema), chance), *GENERIC]))


def _words(schema):
    """What the schema itself speaks of: names, constants, and what lies just beside its limits."""
    if isinstance(schema, dict):
        for key, value in schema.items():
            yield key
            yield from _words(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _words(value)
    else:
        yield schema
        if isinstance(schema, (int, float)) and not isinstance(schema, bool):
            yield from (schema + 1, schema - 1)
            if 0 <= schema < 64:
                size = int(schema)
                yield from ("x" * size, "x" * (size + 1), [1] * size, list(range(size + 1)))


def _mutant(instance, words, chance):
    """The instance with one place of it changed."""
    whole = [copy.deepcopy(instance)]
    holder, key = chance.choice(list(_places(whole)))
    found = holder[key]
    value = chance.choice(GENERIC + words * 2)
    change = chance.randrange(4)
    if change == 0 and isinstance(holder, dict):
        del holder[key]
    elif change == 1 and isinstance(found, dict):
        found[str(chance.choice(words or ["foo"]))] = value
    elif change == 1 and isinstance(found, list):
        found.append(value)
    else:
        holder[key] = value
    return whole[0]


def _places(holder):
    for key in list(holder) if isinstance(holder, dict) else range(len(holder)):
        yield holder, key
        if isinstance(holder[key], (dict, list)):
            yield from _places(holder[key])


def _json(value):
    """JSON has one kind of number: 1.0 is 1, also where a validator of draft-04 tells them apart."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: _json(each) for key, each in value.items()}
    return [_json(each) for each in value] if isinstance(value, list) else value


def _distinct(values):
    return list({repr(value): value for value in values}.values())
