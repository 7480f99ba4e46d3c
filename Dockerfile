# docker build --build-arg COMMIT="$(git rev-parse --short=12 HEAD)" --tag heddle-scheduler .
#
# The first stage runs on the machine that builds, whatever the image is for: Deno compiles for the
# other processor too.
FROM --platform=$BUILDPLATFORM denoland/deno:2.9.6@sha256:2014dc167ece617ef7e7ba40631ac2234c59e75ce693e7cc2dc2602b3c87859d AS build
WORKDIR /src
# The packages first: a change of the sources downloads none of them again.
COPY deno.json deno.lock ./
RUN deno install --frozen
COPY . .
ARG COMMIT=unknown
ARG TARGETARCH
RUN case "$TARGETARCH" in amd64) cpu=x86_64 ;; arm64) cpu=aarch64 ;; *) exit 1 ;; esac && \
  deno task compile --commit "$COMMIT" --target "$cpu-unknown-linux-gnu" --output dist/heddle-scheduler

# "cc" is glibc, libgcc and the certificates of the authorities: no shell, no package manager.
FROM gcr.io/distroless/cc-debian12:nonroot@sha256:9dac0a79194e45a7da0158a9c6da57b217585af0786db3845d1f0ec1a0dd182f
ARG COMMIT=unknown
ARG SOURCE=
LABEL org.opencontainers.image.title="heddle-scheduler" \
  org.opencontainers.image.description="A job scheduler for NATS" \
  org.opencontainers.image.licenses="Apache-2.0" \
  org.opencontainers.image.version="0.1.0" \
  org.opencontainers.image.revision="$COMMIT" \
  org.opencontainers.image.source="$SOURCE"
COPY --from=build /src/dist/heddle-scheduler /heddle-scheduler
USER 65532:65532
# Mount the directory, not the file: a file that an editor replaces is lost to a mount of it.
ENV HEDDLE_SCHEDULER_CONFIG=/etc/heddle/schedules.yaml
# glibc keeps a heap for each thread otherwise: ten megabytes that are never given back.
ENV MALLOC_ARENA_MAX=1
# Probes, metrics and the page, for the container alone. "health" asks there: neither a file that is
# wrong nor a server that is away makes the container unhealthy.
ENV HEDDLE_SCHEDULER_HTTP=127.0.0.1:8080
HEALTHCHECK --interval=30s --timeout=6s --start-period=15s CMD ["/heddle-scheduler", "health"]
ENTRYPOINT ["/heddle-scheduler"]
CMD ["run", "--watch-config"]
