"""Standardised uptake values of PET: what an activity has to be multiplied by.

SUVbw = activity [Bq/ml] x body weight [g] / dose [Bq], the dose decayed to the time that the activities are corrected
to. Source: the vendor-neutral pseudo-code of the Quantitative Imaging Biomarkers Alliance, "SUV Calculation"
(https://qibawiki.rsna.org/index.php/Standardized_Uptake_Value_(SUV)), and DICOM PS3.3 C.8.9.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from distilfuse.errors import InputError

if TYPE_CHECKING:
    from pydicom import Dataset

_MEND = "choose a window of the values as they are, such as --window percent:0.5,99.5"

_GE_SCAN_TIME = (0x0009, "GEMS_PETD_01", 0x0D)
_PHILIPS_SUV = (0x7053, "Philips PET Private Group", 0x00)
_PHILIPS_ACTIVITY = (0x7053, "Philips PET Private Group", 0x09)


def suv_factor(datasets: Sequence[Dataset], name: str) -> float:
    """The body-weight SUV that one unit of the (rescaled) values stands for.

    Args:
        datasets: the headers of a PET series.
        name: of the series, for messages.

    Returns:
        Units BQML: from dose, half-life, weight and times; GML: 1, the values are SUVbw already; CNTS: from the factors
        that Philips scanners write.

    Raises:
        InputError: other units, or an entry is missing that it takes; says which.
    """
    first = datasets[0]
    units = str(first.get("Units", ""))
    if units == "GML":
        kind = str(first.get("SUVType", "") or "BW")
        if kind != "BW":
            raise InputError(f"{name} holds SUV by {kind}, not by body weight: {_MEND}.")
        return 1.0
    if units == "CNTS":
        if factor := _number(_private(first, _PHILIPS_SUV)):
            return factor
        if not (activity := _number(_private(first, _PHILIPS_ACTIVITY))):
            raise InputError(f"{name} counts events (Units CNTS) and gives no factor to activities: {_MEND}.")
        return activity * _suv_of_activity(datasets, name)
    if units != "BQML":
        raise InputError(f"{name} has the Units {units or '(none)'} where BQML or GML are needed for SUV: {_MEND}.")
    return _suv_of_activity(datasets, name)


def _suv_of_activity(datasets: Sequence[Dataset], name: str) -> float:
    first = datasets[0]
    drug = (first.get("RadiopharmaceuticalInformationSequence") or [None])[0]
    if drug is None:
        raise InputError(f"{name} has no RadiopharmaceuticalInformationSequence, which SUV takes: {_MEND}.")
    weight = _needed(first, "PatientWeight", name) * 1000
    dose = _needed(drug, "RadionuclideTotalDose", name)
    correction = str(first.get("DecayCorrection", ""))
    if correction == "ADMIN":
        return weight / dose
    if correction != "START":
        raise InputError(f"{name} has the DecayCorrection {correction or '(none)'}, so SUV is unknown: {_MEND}.")
    half_life = _needed(drug, "RadionuclideHalfLife", name)
    scan = _scan_time(datasets, name)
    elapsed = (scan - _injection_time(drug, scan, name)).total_seconds()
    return float(weight / (dose * 2 ** (-elapsed / half_life)))


def _scan_time(datasets: Sequence[Dataset], name: str) -> datetime:
    """What START refers to: the beginning of the series, unless it was stamped when it was processed later on."""
    series = _moment(datasets[0], "SeriesDate", "SeriesTime")
    acquired = [moment for data in datasets if (moment := _moment(data, "AcquisitionDate", "AcquisitionTime"))]
    if series and (not acquired or series <= min(acquired)):
        return series
    if scanned := _parse(str(_private(datasets[0], _GE_SCAN_TIME) or "")):
        return scanned
    if acquired:
        return min(acquired)
    raise InputError(
        f"{name} does not say when it was acquired (SeriesTime, AcquisitionTime), which SUV takes: {_MEND}."
    )


def _injection_time(drug: Dataset, scan: datetime, name: str) -> datetime:
    if injected := _parse(str(drug.get("RadiopharmaceuticalStartDateTime", "") or "")):
        if injected > scan:
            raise InputError(f"{name} was injected ({injected}) after it was scanned ({scan}), by its tags: {_MEND}.")
        return injected
    injected = _parse(f"{scan:%Y%m%d}{drug.get('RadiopharmaceuticalStartTime', '') or 'missing'}")
    if injected is None:
        raise InputError(f"{name} has no RadiopharmaceuticalStartTime, which SUV takes: {_MEND}.")
    return injected if injected <= scan else injected - timedelta(days=1)  # a time without a date: over midnight


def _moment(data: Dataset, date: str, time: str) -> datetime | None:
    day, hour = str(data.get(date, "") or ""), str(data.get(time, "") or "")
    return _parse(day + hour) if day and hour else None


def _parse(text: str) -> datetime | None:
    """DICOM's ``YYYYMMDDHHMMSS.FFFFFF``, of which the end may be left out; the local time, zones are all one."""
    digits, _, fraction = text.split("+")[0].split("-")[0].partition(".")
    if len(digits) < 10 or not digits.isdecimal():
        return None
    try:
        return datetime.strptime(digits.ljust(14, "0")[:14] + (fraction or "0")[:6].ljust(6, "0"), "%Y%m%d%H%M%S%f")
    except ValueError:
        return None


def _needed(data: Dataset, keyword: str, name: str) -> float:
    if number := _number(data.get(keyword)):
        return number
    raise InputError(f"{name} has no {keyword} above 0, which SUV takes: {_MEND}.")


def _number(value: Any) -> float | None:
    """A finite number above 0, or None."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if 0 < number < float("inf") else None


def _private(data: Dataset, where: tuple[int, str, int]) -> Any:
    group, creator, element = where
    try:
        return data.private_block(group, creator)[element].value
    except KeyError:
        return None
