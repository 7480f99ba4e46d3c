# docker build --build-arg COMMIT="$(git rev-parse --short=12 HEAD)" --tag heddle-scheduler .
FROM denoland/deno:2.9.6@sha256:2014dc167ece617ef7e7ba40631ac2234c59e75ce693e7cc2dc2602b3c87859d AS build
WORKDIR /src
COPY . .
ARG COMMIT=unknown
RUN deno task compile --commit "$COMMIT"

# "cc" is glibc, libgcc and the certificates of the authorities: no shell, no package manager.
FROM gcr.io/distroless/cc-debian12:nonroot@sha256:9dac0a79194e45a7da0158a9c6da57b217585af0786db3845d1f0ec1a0dd182f
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
