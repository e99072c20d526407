# A static binary in an image that holds nothing else but certificates: no
# shell, no package manager, uid 65532.
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o /aggregator ./cmd/aggregator

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /aggregator /aggregator
COPY LICENSE NOTICE /
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["/aggregator"]
CMD ["run", "-config", "/etc/aggregator/aggregator.yaml"]
