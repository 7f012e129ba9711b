# The read side: `daycount serve` and `query`, and `define`. Without Beam, which is most of the other image.
#   docker build -f deploy/serve.Dockerfile -t daycount-serve .
ARG PYTHON=python:3.11-slim-bookworm
FROM ${PYTHON} AS build
WORKDIR /src
RUN python -m venv /opt/daycount
COPY pyproject.toml constraints.txt README.md deploy/serve_requirements.py ./
RUN /opt/daycount/bin/python serve_requirements.py pyproject.toml > needed.txt \
    && /opt/daycount/bin/pip install --no-cache-dir -c constraints.txt -r needed.txt
COPY pipeline pipeline
COPY readers readers
RUN /opt/daycount/bin/pip install --no-cache-dir --no-deps .

FROM ${PYTHON}
RUN useradd --create-home --uid 10001 daycount
COPY --from=build /opt/daycount /opt/daycount
ENV PATH=/opt/daycount/bin:$PATH PYTHONUNBUFFERED=1
USER 10001
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8080/healthz', timeout=2)"]
ENTRYPOINT ["daycount"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8080"]
