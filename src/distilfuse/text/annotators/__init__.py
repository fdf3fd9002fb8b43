"""Who writes captions: language models that look at a pair, files, and plain measurements, behind one protocol."""

from distilfuse.text.annotators.annotator import Annotator, AnnotatorError

__all__ = ["Annotator", "AnnotatorError"]
