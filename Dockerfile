# A static binary in an image that holds nothing else but certificates and
# licenses: no shell, no package manager, uid 65532. `make image` makes such an
# image without Docker, with an SBOM, and the same bytes each time.
#
#   docker build -t aggregator:dev --build-arg VERSION="$(git describe --tags --always)" \
#     --build-arg REVISION="$(git rev-parse HEAD)" .
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION
ARG REVISION
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=$VERSION -X main.revision=$REVISION" -o /aggregator ./cmd/aggregator

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /aggregator /aggregator
COPY LICENSE NOTICE /
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["/aggregator"]
CMD ["run", "-config", "/etc/aggregator/aggregator.yaml"]
