# syntax=docker/dockerfile:1

# One static binary on an image that has certificates, time zones and a user, and no shell.
#
#   docker build -t pipebot --build-arg VERSION="$(git describe --tags --always)" .

# The build runs on the builder's own architecture and compiles for the target's.
FROM --platform=$BUILDPLATFORM golang:1.26 AS build
WORKDIR /src

# Modules come first: they are fetched again only when go.mod or go.sum change.
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download

COPY . .
ARG VERSION=dev
ARG TARGETOS
ARG TARGETARCH
# deploy/deploy_test.go runs this line as it stands here.
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -trimpath -ldflags "-s -w -X main.version=$VERSION" -o /out/ ./cmd/pipebot

# There is no mkdir in the last image, and a new volume takes its owner from the folder under it.
RUN mkdir /out/data

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /out/pipebot /pipebot
COPY --from=build --chown=65532:65532 /out/data /data

# The number and not the name: Kubernetes' runAsNonRoot can only check a number.
USER 65532:65532
ENV DATA_DIR=/data
VOLUME /data
# /healthz, /readyz and /metrics. Slack and GitLab are called; they never call.
EXPOSE 8080
ENTRYPOINT ["/pipebot"]
