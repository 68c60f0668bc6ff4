# docker build -t mcpo .
# docker run --rm -p 8000:8000 -e MCPO_API_KEY=change-me mcpo

FROM rust:1.95-slim-bookworm AS build
WORKDIR /build
# Dependencies first, against empty sources: this layer is built anew only when they change.
COPY Cargo.toml Cargo.lock ./
RUN mkdir src \
    && echo 'fn main() {}' > src/main.rs \
    && touch src/lib.rs \
    && cargo build --release --locked \
    && rm -r src
COPY src src
# Cargo compares times: the real sources must be newer than what was built from the empty ones.
RUN touch src/main.rs src/lib.rs \
    && cargo build --release --locked

FROM debian:bookworm-slim
# ca-certificates: the roots for HTTPS servers. tini: reaps what stdio servers leave behind, as process 1 must.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates tini \
    && rm -rf /var/lib/apt/lists/*
# A fixed number, so that volumes and Kubernetes' runAsNonRoot can rely on it.
RUN useradd --uid 10001 --user-group --create-home --shell /usr/sbin/nologin mcpo \
    && install --directory --owner=mcpo --group=mcpo --mode=0700 /home/mcpo/.mcpo
COPY --from=build /build/target/release/mcpo /usr/local/bin/mcpo
COPY LICENSE /usr/share/doc/mcpo/copyright
COPY config.example.json /etc/mcpo/config.json
USER 10001:10001
ENV HOME=/home/mcpo
WORKDIR /home/mcpo
EXPOSE 8000
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/bin/tini", "--", "/usr/local/bin/mcpo"]
CMD ["--config", "/etc/mcpo/config.json"]

# The image holds mcpo alone. For servers that start with npx or uvx, build one on top:
#
#   FROM mcpo
#   COPY --from=node:24-bookworm-slim /usr/local /usr/local
#   COPY --from=ghcr.io/astral-sh/uv:0.9 /uv /uvx /usr/local/bin/
