"""What a WSGI server, and the `flask` command, load."""

from app import create_app
from core import ending

app = create_app()
ending.finish_at_exit(app)
