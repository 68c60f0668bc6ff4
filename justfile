# The commands of this project; `just` lists them. CI runs `.ci/run`, which has the steps themselves.

_list:
    @just --list --unsorted

# Unit tests and the front-door suite; needs nothing but Rust
test *ARGS:
    cargo test --locked {{ARGS}}

# Format, then check formatting and lints as CI does
check:
    cargo fmt
    .ci/run format lint

# The full suite; installs what it needs. With arguments only cargo's tests: `just test-all oauth::`
test-all *ARGS:
    tests/run {{ARGS}}

# Everything that CI runs
ci:
    .ci/run

# Write the table of options into README.md
readme:
    MCPO_UPDATE_README=1 cargo test --locked --test front_door the_readme_has_the_table_of_options

# Fuzz the schema translation and the argument check, so many seconds each
fuzz SECONDS="60":
    fuzz/run {{SECONDS}}
