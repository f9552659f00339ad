# The image holds one static binary and the certificate authorities, nothing else.
# It takes what was built outside, so that no base image has to be trusted:
#
#   mkdir -p dist/state
#   CGO_ENABLED=0 GOOS=linux GOARCH=amd64 go build -trimpath -ldflags=-s -o dist/waveguide ./cmd/waveguide
#   cp /etc/ssl/certs/ca-certificates.crt dist/
#   docker build -t waveguide .        # or: buildah bud --isolation=chroot -t waveguide .
#
# For another platform set GOARCH above and --platform below. BINARY names
# another file in dist/.
FROM scratch

ARG BINARY=waveguide

COPY dist/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY dist/${BINARY} /waveguide
# The empty folder gives the volume to the user below; nothing here can chown.
COPY --chown=65532:65532 dist/state /var/lib/waveguide

LABEL org.opencontainers.image.title="waveguide" \
      org.opencontainers.image.description="Promotes container images through environments by proposals on GitOps repositories" \
      org.opencontainers.image.licenses="Apache-2.0"

# No name can be resolved in an empty image, so the user is a number.
USER 65532:65532
WORKDIR /var/lib/waveguide
VOLUME /var/lib/waveguide
EXPOSE 8080
ENTRYPOINT ["/waveguide"]
CMD ["run", "--config", "/etc/waveguide/waveguide.yaml"]
