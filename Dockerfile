# Two stages: one with compilers, that makes a venv; one with only what runs.
FROM debian:12.12-slim AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends python3-venv python3-dev gcc g++ libc6-dev libre2-dev ca-certificates \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY pyproject.toml setup.py README.md LICENSE ./
COPY engine engine
RUN python3 -m venv /opt/tidegate && /opt/tidegate/bin/pip install --no-cache-dir .

FROM debian:12.12-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends python3 libre2-9 libstdc++6 ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /var/lib/tidegate --create-home tidegate
COPY --from=build /opt/tidegate /opt/tidegate
ENV PATH=/opt/tidegate/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    TIDEGATE_LISTEN=0.0.0.0:8080 \
    TIDEGATE_STATE_DIR=/var/lib/tidegate \
    TIDEGATE_POLICY=/etc/tidegate/tidegate.yaml
USER tidegate
WORKDIR /var/lib/tidegate
VOLUME /var/lib/tidegate
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
    CMD ["python3", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:9090/readyz', timeout=2)"]
ENTRYPOINT ["tidegate"]
CMD ["serve"]
