"""What gunicorn serves: `gunicorn wsgi:app`."""

from ccp.wsgi import app as app
