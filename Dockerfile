# The bot. Synapse and PostgreSQL come from their own images, see docker-compose.yml.
FROM python:3.12-slim-bookworm AS build
WORKDIR /build
COPY requirements/bootstrap.txt requirements/run.txt requirements/
RUN python -m venv /opt/esnbot
RUN /opt/esnbot/bin/python -m pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements/bootstrap.txt
RUN VIRTUAL_ENV=/opt/esnbot /opt/esnbot/bin/uv pip install --no-cache --require-hashes -r requirements/run.txt
COPY pyproject.toml README.md LICENSE ./
COPY esnbot esnbot
COPY bridges bridges
RUN VIRTUAL_ENV=/opt/esnbot /opt/esnbot/bin/uv pip install --no-cache --no-deps --no-build-isolation .
RUN /opt/esnbot/bin/python -m pip uninstall --yes --quiet uv

FROM python:3.12-slim-bookworm
COPY --from=build /opt/esnbot /opt/esnbot
COPY config /config
# A number, so that the cluster's rules can see that it is not root; /keys is shared with Synapse, which runs as the same.
RUN mkdir -p /data /keys && chmod 700 /data /keys && chown 10001:10001 /data /keys
ENV PATH=/opt/esnbot/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /data
USER 10001:10001
EXPOSE 8090 29331
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=4 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8090/health', timeout=4)"]
ENTRYPOINT ["esnbot"]
CMD ["run", "--config", "/config/docker/community.yaml"]
