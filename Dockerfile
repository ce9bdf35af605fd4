# The image of hintsync: no compiler, no shell needed, no root. State lies in /state, backups in /backups; everything else may be read-only.
FROM python:3.11.14-slim-bookworm AS build
WORKDIR /build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
# First what changes seldom: every package by its hash, as tested.
COPY requirements/build.txt requirements/runtime.txt requirements/
RUN python -m venv /opt/build && /opt/build/bin/pip install --require-hashes --only-binary :all: -r requirements/build.txt
RUN python -m venv /opt/hintsync && /opt/hintsync/bin/pip install --require-hashes --only-binary :all: -r requirements/runtime.txt
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN /opt/build/bin/python -m hatchling build -t wheel -d /dist \
    && /opt/hintsync/bin/pip install --no-deps --no-index /dist/*.whl \
    && /opt/hintsync/bin/pip uninstall --yes pip setuptools

FROM python:3.11.14-slim-bookworm
COPY --from=build /opt/hintsync /opt/hintsync
# The folders are there and its own before volumes are laid over them, so that new volumes take their owner.
RUN install -d -m 0700 -o 10001 -g 10001 /state /backups
ENV PATH=/opt/hintsync/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/tmp \
    HINTSYNC_STATE=/state \
    HINTSYNC_LISTEN_HOST=0.0.0.0
USER 10001:10001
WORKDIR /state
VOLUME ["/state", "/backups"]
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 CMD ["hintsync-alive"]
ENTRYPOINT ["hintsync"]
CMD ["serve", "--json"]
