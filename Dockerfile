# The operator's image: an interpreter, its libraries, the locked packages and the operator; no shell, no package
# manager. docs/how-to-build-the-image.md says how to build it, and decision 0023 why it is made like this.

# A Debian with Python 3.11 or newer and pip. To pin it: --build-arg BASE=…@sha256:…
ARG BASE=docker.io/library/python:3.11-slim-bookworm

FROM ${BASE} AS build
# Where pip looks, for a mirror or a directory of wheels: pip's own names, and none of them stays in the image.
ARG PIP_INDEX_URL
ARG PIP_FIND_LINKS
ARG PIP_NO_INDEX
WORKDIR /build
COPY requirements/runtime.txt ./
RUN python3 -m pip install --disable-pip-version-check --no-cache-dir --root-user-action=ignore --require-hashes \
    --only-binary :all: --no-compile --target /app --requirement runtime.txt
COPY operator/launchplan_operator /app/launchplan_operator
COPY image/closure.py ./
RUN python3 closure.py /app /image
# What is missing there is missing here already, not in somebody's cluster.
RUN PYTHONPATH=/app chroot --userspec=65532:65532 /image \
    python3 -c "import launchplan_operator.app, zoneinfo; zoneinfo.ZoneInfo('Europe/Berlin')"

FROM scratch
ARG BASE
ARG VERSION=0.0.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="launchplan-operator" \
    org.opencontainers.image.description="Parameterised, scheduled, limited workflows on Kubernetes" \
    org.opencontainers.image.licenses="Apache-2.0" \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${REVISION}" \
    org.opencontainers.image.base.name="${BASE}"
COPY --from=build /image/ /
ENV PATH=/usr/local/bin:/usr/bin \
    LANG=C.UTF-8 \
    PYTHONPATH=/app \
    PYTHONSAFEPATH=1 \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
WORKDIR /
USER 65532:65532
# /livez and /readyz. Who asks is the kubelet, by HTTP: a HEALTHCHECK would start an interpreter each time.
EXPOSE 8080
ENTRYPOINT ["python3", "-m", "launchplan_operator"]
CMD ["run"]
