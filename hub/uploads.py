"""Files that members and officers send: kept in memory, or, with a request that is too large, told as such."""

from io import BytesIO
from typing import Any

from django.core.files.uploadedfile import InMemoryUploadedFile, UploadedFile
from django.core.files.uploadhandler import MemoryFileUploadHandler


class Uploads(MemoryFileUploadHandler):
    """Of a request above ``FILE_UPLOAD_MAX_MEMORY_SIZE`` each file is read to its end and kept nowhere.  It comes
    without its content and as large as the whole request, so that whoever looks at its size refuses it: a form that
    can do without the file would else go on as if there had been none.
    """

    def handle_raw_input(self, input_data: Any, META: Any, content_length: int, *args: Any, **kwargs: Any) -> None:
        self.sent = content_length
        super().handle_raw_input(input_data, META, content_length, *args, **kwargs)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        return super().receive_data_chunk(raw_data, start) if self.activated else None

    def file_complete(self, file_size: int) -> "UploadedFile[Any] | None":
        if self.activated:
            return super().file_complete(file_size)
        name, kind = self.file_name or "", self.content_type or ""
        return InMemoryUploadedFile(BytesIO(), self.field_name, name, kind, self.sent, self.charset)
