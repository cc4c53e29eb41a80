"""Reports and bulk files under way: who asked, how often it is still pending, what comes out."""

from __future__ import annotations

import io
import secrets
import zipfile
from dataclasses import dataclass, field

MAX_JOBS = 2_000


@dataclass(slots=True)
class Job:
    """`pending`: status requests that are still answered so. `file_id`: the last part of its file's
    URL, which needs no token, as Microsoft's do."""

    kind: str  # report, upload, download
    user_id: str
    pending: int
    content: bytes | None = None
    id: str = field(default_factory=lambda: secrets.token_hex(12))
    file_id: str = field(default_factory=lambda: secrets.token_urlsafe(24))

    def archive(self) -> bytes:
        """The file, zipped."""
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
            file.writestr(f"{self.id}.csv", self.content or b"")
        return buffer.getvalue()

    def tick(self) -> bool:
        """One status request: whether the job is done."""
        if self.pending > 0:
            self.pending -= 1
            return False
        return True


@dataclass(slots=True)
class Jobs:
    """All of them, the oldest first."""

    by_id: dict[str, Job] = field(default_factory=dict)

    def add(self, job: Job) -> Job:
        """Remember; the oldest go."""
        while len(self.by_id) >= MAX_JOBS:
            del self.by_id[next(iter(self.by_id))]
        self.by_id[job.id] = job
        return job

    def find(self, kind: str, job_id: str, user_id: str) -> Job | None:
        """A user's own."""
        job = self.by_id.get(job_id)
        return job if job and (job.kind, job.user_id) == (kind, user_id) else None

    def by_file(self, file_id: str) -> Job | None:
        """By its file's URL."""
        return next((job for job in self.by_id.values() if job.file_id == file_id), None)
