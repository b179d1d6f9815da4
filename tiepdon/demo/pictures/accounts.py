"""Signing in, and what one's account opens."""

from __future__ import annotations

from tiepdon.demo.pictures.picture import DESK_TALL, Picture


def list_home() -> list[Picture]:
    return [Picture(name="home", path="/staff", account="letan", ready=".card, .cards")]


def list_pictures() -> list[Picture]:
    return [
        Picture(name="sign-in", path="/staff/login", ready="main.login"),
        Picture(name="password", path="/staff/password", account="letan", ready="#rules"),
        Picture(
            name="second-factor",
            path="/staff/second-factor",
            account="kiemtra",
            size=DESK_TALL,
            ready="img.qr",
        ),
    ]
