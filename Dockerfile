# Gatehouse as the base of an image: FROM it, COPY your programs and /etc/gatehouse/gatehouse.yaml. See docs/container.md.
#
#   docker build --tag gatehouse .
#
# For x64 and arm64: the binary is made of the Node that npm brings for the machine that builds, so the `build` stage runs
# on the target's own architecture, by emulation where the machine is another.

# A Debian or Ubuntu whose glibc is 2.28 or newer. To build the same image again name both by digest: NAME@sha256:...
ARG BASE=debian:bookworm-slim
# Any image with npm, which brings the Node that the binary is made of; binutils make it a fifth smaller.
ARG BUILDER=node:26-bookworm

FROM ${BUILDER} AS build
# `built`: the dist/gatehouse of an earlier `npm run build` is taken, and the builder may be any image with a shell.
ARG BINARY=build
WORKDIR /src
COPY package.json package-lock.json ./
RUN [ "$BINARY" = built ] || npm ci
COPY . .
RUN [ "$BINARY" = built ] || npm run build

FROM ${BASE} AS base
# tini is PID 1: it takes in orphans, which no program that is not made for it does. The two libraries are what Node needs.
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends \
      ca-certificates libatomic1 libstdc++6 tini \
 # By number, so that Kubernetes can see that it is not root.
 && groupadd --gid 10001 gatehouse \
 && useradd --uid 10001 --gid 10001 --home-dir /data --no-create-home --shell /usr/sbin/nologin gatehouse \
 && install --directory --owner=gatehouse --group=gatehouse /data /data/gatehouse \
 && install --directory /etc/gatehouse \
 # The control socket lies here, also for a container that is run as somebody else.
 && chmod 1777 /run \
 # What tells the day or the inode of this build: of no use to anybody, and with it no two builds would give the same layer.
 && chage --lastday -1 gatehouse \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/cache/ldconfig/aux-cache /var/log/* /etc/*-
COPY LICENSE /usr/share/doc/gatehouse/LICENSE
COPY --from=build /src/dist/gatehouse.cdx.json /usr/share/doc/gatehouse/sbom.cdx.json
COPY --from=build /src/dist/gatehouse /usr/local/bin/gatehouse

# `gatehouse` without words looks for gatehouse.yaml here.
WORKDIR /etc/gatehouse
USER 10001:10001
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=300s --retries=3 \
  CMD ["/usr/local/bin/gatehouse", "healthcheck"]
ENTRYPOINT ["/usr/bin/tini", "--", "/usr/local/bin/gatehouse"]
CMD ["run"]

# Last, since they differ from build to build: the layers above are kept.
ARG VERSION
ARG REVISION
ARG CREATED
ARG SOURCE
LABEL org.opencontainers.image.title="Gatehouse" \
      org.opencontainers.image.description="The front door and the foreman of a container: TLS, routing and process supervision in one binary." \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}" \
      org.opencontainers.image.source="${SOURCE}"
