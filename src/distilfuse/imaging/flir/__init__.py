"""FLIR radiometric JPEG files: counts of the thermal sensor, its calibration, the visible picture, where both lie.

The layout is the one that ExifTool documents (https://exiftool.org/TagNames/FLIR.html); no part of ExifTool is used.
"""
