"""The phone's page in the language of its browser."""

from fastapi import FastAPI
from fastapi.testclient import TestClient

from core.server.language import dictionary
from core.server.phone.routes import phone_routes


def test_the_phone_gets_the_words_of_its_browsers_language_and_what_says_them():
    app = FastAPI()
    app.include_router(phone_routes())
    client = TestClient(app)
    said = client.get("/phone/words", headers={"Accept-Language": "fr, de;q=0.8"})
    assert said.json() == {"code": "de", "strings": dictionary("de")}
    assert said.headers["vary"] == "Accept-Language"
    assert client.get("/phone/words").json() == {"code": "en", "strings": {}}
    script = client.get("/phone/translate.js")
    assert script.status_code == 200 and "export function follow" in script.text
