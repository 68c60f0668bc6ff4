// What both servers share: what is stored, what has happened, and what is to happen next.

import { setTimeout as sleep } from "node:timers/promises";

export class World {
  /** The life of access tokens in seconds. */
  ttl = 3600;
  denyNext = false;
  counts = {};
  issued = [];
  secrets = new Set();
  #stored = new Map();
  #waiting = [];
  #held = { at: undefined, go: Promise.resolve(), release: () => {} };

  /** Counts a thing that has happened. */
  count(name) {
    this.counts[name] = (this.counts[name] ?? 0) + 1;
    this.#waiting = this.#waiting.filter((waiter) => !waiter());
  }

  /** Waits until a thing has happened so many times. */
  until(name, least) {
    return new Promise((resolve) => {
      const waiter = () => (this.counts[name] ?? 0) >= least && (resolve(), true);
      if (!waiter()) this.#waiting.push(waiter);
    });
  }

  /** Waits until no access token lives any more. */
  async expired() {
    const ends = [...(this.#stored.get("AccessToken")?.values() ?? [])].map(({ exp }) => exp * 1000 - Date.now());
    if (ends.length) await sleep(Math.max(0, ...ends) + 1);
  }

  /** Remembers strings that nobody may ever log. */
  secret(...values) {
    values.filter(Boolean).forEach((value) => this.secrets.add(value));
  }

  /** Keeps the next token request at a point, until told to let it go. */
  hold(at) {
    const { promise, resolve } = Promise.withResolvers();
    this.#held = { at, go: promise, release: resolve };
  }

  release() {
    this.#held.release();
  }

  /** Where a token request that is to be kept stands still. */
  async pass(point) {
    if (this.#held.at !== point) return;
    this.#held.at = undefined;
    this.count(`held ${point}`);
    await this.#held.go;
  }

  /** Forgets all of a kind: tokens are revoked, clients unknown. */
  forget(model) {
    this.#stored.get(model)?.clear();
  }

  /** oidc-provider's adapter. Expiry is checked by its models; nothing need be evicted in a test's life. */
  adapter(model) {
    const kind = (name) => this.#stored.get(name) ?? this.#stored.set(name, new Map()).get(name);
    const found = (test) => [...kind(model).values()].find(test);
    return {
      upsert: async (id, payload) => void kind(model).set(id, payload),
      find: async (id) => kind(model).get(id),
      findByUid: async (uid) => found((payload) => payload.uid === uid),
      destroy: async (id) => void kind(model).delete(id),
      consume: async (id) => void (kind(model).get(id).consumed = Math.floor(Date.now() / 1000)),
      revokeByGrantId: async (grant) =>
        kind(model).forEach((payload, id) => payload.grantId === grant && kind(model).delete(id)),
    };
  }
}
