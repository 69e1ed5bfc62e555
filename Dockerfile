# One image for web, workers, beat and migrations. `python3 app.py proof containers` builds it, on a base of its own.
ARG BASE=python:3.13.14-slim
FROM ${BASE}
RUN useradd --system --uid 10001 --create-home undersigned
WORKDIR /srv
COPY requirements/run.lock requirements/run.lock
RUN pip install --no-cache-dir --require-hashes --only-binary=:all: -r requirements/run.lock
COPY app.py ./
COPY petition petition
COPY workers workers
COPY seeds seeds
COPY templates templates
# Nothing can be written when it runs: without these files each process would compile all of it at each start.
RUN python -m compileall -q app.py petition workers seeds
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PETITION_HOME=/var/lib/undersigned
# The folder of the shared volume must exist here with its owner, or an engine makes it root's.
RUN mkdir -p /var/lib/undersigned/exports && mkdir -p /var/lib/undersigned/public && chown -R undersigned /var/lib/undersigned
USER undersigned
ENTRYPOINT ["python", "-m", "petition.cli"]
CMD ["web"]
