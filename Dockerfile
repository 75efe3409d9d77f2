# Patchbay in one binary: both databases, TLS and Swagger UI are inside; it needs nothing but libc.
#
#   docker build -t patchbay .
#   docker run -p 8080:8080 -v patchbay:/data patchbay

FROM rust:1.95-bookworm AS build
# OpenSSL (for PostgreSQL) is built from source: it wants perl and make, which the image has.
WORKDIR /build
# Dependencies change seldom: compile them first, with empty targets, so that this layer stays.
COPY Cargo.toml Cargo.lock ./
RUN mkdir -p src benches tests/it \
    && echo 'fn main() {}' | tee src/main.rs benches/import.rs tests/it/main.rs >/dev/null \
    && touch src/lib.rs \
    && cargo build --release --locked \
    && rm -r src benches
COPY . .
RUN touch src/lib.rs src/main.rs && cargo build --release --locked --bin patchbay \
    && mkdir /data

FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /build/target/release/patchbay /usr/local/bin/patchbay
COPY --from=build /build/LICENSE /usr/share/doc/patchbay/LICENSE
COPY --from=build --chown=nonroot:nonroot /data /data
ENV PATCHBAY_LISTEN=0.0.0.0:8080 \
    PATCHBAY_DATA_FOLDER=/data
VOLUME /data
EXPOSE 8080
USER nonroot
# The image has no shell and no curl: the binary asks itself.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["/usr/local/bin/patchbay", "healthcheck"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/patchbay"]
CMD ["serve"]
