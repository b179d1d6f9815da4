"""Code scanners: camera, serial line, keyboard, and the decoder behind the camera."""
