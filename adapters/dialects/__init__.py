"""Wire languages as pure codecs: bytes in, neutral values out, and back."""
