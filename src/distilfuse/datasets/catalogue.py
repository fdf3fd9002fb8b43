"""The sets known by name."""

from __future__ import annotations

from distilfuse.datasets.record import DatasetRecord, Layout, Remote
from distilfuse.errors import ConfigError

_PLAIN = (
    Layout(title="two folders", visible="vi", infrared="ir"),
    Layout(title="two folders", visible="vis", infrared="ir"),
    Layout(title="two folders", visible="visible", infrared="infrared"),
    Layout(title="two folders", visible="visible", infrared="thermal"),
    Layout(title="two folders", visible="rgb", infrared="ir"),
    Layout(title="two folders", visible="a", infrared="b"),
)
"""Copies that people keep, ours (``vi`` and ``ir``) first."""

_MSRS = "https://raw.githubusercontent.com/Linfeng-Tang/MSRS/2052589d3a714d0285c8792e24d2db290d84b6ea"
_ROADSCENE = "https://raw.githubusercontent.com/hanna-xu/RoadScene/ab71420f8fc96396eeb97eecf3694909b3feb656"
_LLVIP = "https://raw.githubusercontent.com/bupt-ai-cz/LLVIP/main/FusionGAN"
_HARVARD = (
    "https://raw.githubusercontent.com/xianming-gu/Havard-Medical-Image-Fusion-Datasets/"
    "5314b843b3b578a222aa366bb2c735b35c8f5ef4/MyDatasets"
)

MSRS = DatasetRecord(
    name="msrs",
    title="MSRS, multi-spectral road scenarios",
    a="visible, colour, day and night streets",
    b="long-wave infrared, its contrast enhanced by the authors",
    pairs={"train": 1083, "test": 361, "detection": 80},
    size="640x480, PNG",
    page="https://github.com/Linfeng-Tang/MSRS",
    get="clone the repository https://github.com/Linfeng-Tang/MSRS or fetch it as an archive there.",
    terms="No licence is stated; derived from the MFNet data set (University of Tokyo), whose terms hold as well.",
    reference="Tang et al., PIAFusion, Information Fusion 83-84 (2022)",
    use="Test only, zero-shot: every fifth pair of the official test set is listed.",
    folders=("msrs", "msrs-main", "msrs-master"),
    layouts=(
        Layout(
            title="original repository",
            visible="{split}/vi",
            infrared="{split}/ir",
            splits=("train", "test", "detection"),
            boxes="detection/labels",
        ),
        *_PLAIN,
    ),
    listed="msrs",
    remote=(Remote(visible=_MSRS + "/test/vi/{name}.png", infrared=_MSRS + "/test/ir/{name}.png"),),
)

M3FD = DatasetRecord(
    name="m3fd",
    title="M3FD, multi-scenario multi-modality benchmark",
    a="visible, colour: roads, campus, seaside, forest, in all weathers",
    b="long-wave infrared",
    pairs={"fusion": 300, "detection": 4200},
    size="1024x768 for the most part, PNG",
    page="https://github.com/JinyuanLiu-CV/TarDAL",
    get="follow the Google Drive or Baidu links of https://github.com/JinyuanLiu-CV/TarDAL and unpack "
    "M3FD_Fusion.zip and M3FD_Detection.zip.",
    terms="No licence is stated with the archives; ask the authors before any use but research.",
    reference="Liu et al., TarDAL, CVPR 2022",
    use="Not used for training; a test set where you have it, and for detection with its boxes.",
    folders=("m3fd",),
    layouts=(
        Layout(
            title="original archives",
            visible="m3fd_{split}/vis",
            infrared="m3fd_{split}/ir",
            splits=("fusion", "detection"),
            boxes="m3fd_detection/annotation",
        ),
        *_PLAIN,
    ),
)

ROADSCENE = DatasetRecord(
    name="roadscene",
    title="RoadScene, aligned frames of a FLIR video",
    a="visible, colour, roads by day and night",
    b="long-wave infrared",
    pairs={"all": 221},
    size="about 500x320, JPEG",
    page="https://github.com/hanna-xu/RoadScene",
    get="clone the repository https://github.com/hanna-xu/RoadScene or fetch it as an archive there.",
    terms="No licence is stated; the authors ask to be cited, and the frames are from a video of FLIR.",
    reference="Xu et al., FusionDN, AAAI 2020; U2Fusion, TPAMI 2022",
    use="171 pairs for training (every ninth for validation), 50 for test.",
    folders=("roadscene", "roadscene-master", "roadscene-main", "road-scene-infrared-visible-images-master"),
    layouts=(
        Layout(title="original repository", visible="crop_LR_visible", infrared="cropinfrared"),
        *_PLAIN,
    ),
    listed="roadscene",
    complete=True,
    remote=(
        Remote(visible=_ROADSCENE + "/crop_LR_visible/{name}.jpg", infrared=_ROADSCENE + "/cropinfrared/{name}.jpg"),
    ),
)

LLVIP = DatasetRecord(
    name="llvip",
    title="LLVIP, pedestrians in low light",
    a="visible, colour, streets at night from above",
    b="long-wave infrared",
    pairs={"train": 12025, "test": 3463},
    size="1280x1024, JPEG",
    page="https://bupt-ai-cz.github.io/LLVIP/",
    get="follow the Google Drive or Baidu links of https://github.com/bupt-ai-cz/LLVIP/blob/main/download_dataset.md.",
    terms="For non-commercial use only, with citation: https://github.com/bupt-ai-cz/LLVIP, Term of Use and License.",
    reference="Jia et al., LLVIP, ICCV workshops 2021",
    use="Training: the 44 sample pairs that lie in its code repository are listed.",
    folders=("llvip",),
    layouts=(
        Layout(
            title="original archive",
            visible="visible/{split}",
            infrared="infrared/{split}",
            splits=("train", "test"),
            boxes="annotations",
        ),
        *_PLAIN,
    ),
    listed="llvip",
    remote=(
        Remote(
            visible=_LLVIP + "/Train_LLVIP_vi/{name}.jpg",
            infrared=_LLVIP + "/Train_LLVIP_ir/{name}.jpg",
            starts=("01",),
        ),
        Remote(
            visible=_LLVIP + "/Test_LLVIP_vi/{name}.jpg",
            infrared=_LLVIP + "/Test_LLVIP_ir/{name}.jpg",
            starts=("19", "20"),
        ),
    ),
)

TNO = DatasetRecord(
    name="tno",
    title="TNO image fusion dataset",
    a="visible or intensified, grey: military and surveillance scenes, mostly at night",
    b="long-wave infrared",
    pairs={"usual flat copy": 45},
    size="280x280 to 768x576, BMP in the archive, PNG in copies",
    page="https://figshare.com/articles/dataset/TNO_Image_Fusion_Dataset/1008029",
    get="download the archive from https://figshare.com/articles/dataset/TNO_Image_Fusion_Dataset/1008029.",
    terms="The terms are those of its figshare page; copies that circulate name none.",
    reference="Toet, The TNO multiband image data collection, Data in Brief 15 (2017)",
    use="Test only, zero-shot: 21 pairs of a flat copy (01, 03, ... 41) are listed.",
    folders=("tno", "tno_image_fusion_dataset", "1008029"),
    layouts=(
        Layout(
            title="original archive, folders by scene",
            visible="",
            infrared="",
            scenes=("Athena_images", "DHV_images", "FEL_images", "Triclobs_images"),
        ),
        *_PLAIN,
    ),
    listed="tno",
)


def _harvard(kind: str, a: str, folder: str, pairs: tuple[int, int]) -> DatasetRecord:
    upper = f"{kind}-MRI".upper()
    lower = upper.lower()
    return DatasetRecord(
        name=f"harvard-{lower}",
        title=f"{upper} of the Whole Brain Atlas (Harvard Medical School)",
        a=a,
        b="magnetic resonance, grey",
        pairs={"train": pairs[0], "test": pairs[1]},
        size="256x256, PNG",
        page="http://www.med.harvard.edu/AANLIB/home.html",
        get="clone https://github.com/xianming-gu/Havard-Medical-Image-Fusion-Datasets, which has slices of the atlas.",
        terms="The atlas is the copyright of its authors (Johnson, Becker); its page says what use is allowed.",
        reference="Johnson and Becker, The Whole Brain Atlas, www.med.harvard.edu/AANLIB",
        use=f"{pairs[0]} pairs for training (every ninth for validation), {pairs[1]} for test; not for diagnosis.",
        folders=(
            f"harvard-{lower}",
            lower,
            "mydatasets",
            "havard-medical-image-fusion-datasets",
            "havard-medical-image-fusion-datasets-main",
        ),
        layouts=(
            Layout(
                title="split folders of the repository",
                visible=f"{{split}}/{folder}",
                infrared="{split}/MRI",
                splits=("train", "test"),
            ),
            Layout(title="split folders a and b", visible="{split}/a", infrared="{split}/b", splits=("train", "test")),
            Layout(title="all slices of the repository", visible=folder, infrared="MRI"),
        ),
        listed=lower,
        complete=True,
        remote=tuple(
            Remote(
                visible=f"{_HARVARD}/{upper}/{split}/{folder}/{{name}}.png",
                infrared=f"{_HARVARD}/{upper}/{split}/MRI/{{name}}.png",
                split=split,
            )
            for split in ("train", "test")
        ),
    )


CT_MRI = _harvard("CT", "computed tomography, grey", "CT", (160, 24))
PET_MRI = _harvard("PET", "positron emission tomography in pseudo-colour", "PET", (245, 24))
SPECT_MRI = _harvard("SPECT", "single-photon emission tomography in pseudo-colour", "SPECT", (333, 24))

FOLDER = DatasetRecord(
    name="folder",
    title="Two folders of your own",
    a="visible (or CT, PET, SPECT)",
    b="infrared (or MRI)",
    pairs={},
    size="any, equal within a pair",
    page="",
    get="put visible pictures into DIR/vi and infrared ones into DIR/ir, the two of a pair under one name.",
    terms="Yours.",
    reference="",
    use="Any pairs without a published list.",
    folders=(),
    layouts=_PLAIN,
)

DATASETS: dict[str, DatasetRecord] = {
    record.name: record for record in (MSRS, M3FD, ROADSCENE, LLVIP, TNO, CT_MRI, PET_MRI, SPECT_MRI, FOLDER)
}
"""Name to record, in the order of lists."""


def find_dataset(name: str) -> DatasetRecord:
    """The record of a set, by its name or by that of its list (``ct-mri`` is ``harvard-ct-mri``).

    Raises:
        ConfigError: no set has this name.
    """
    wanted = name.casefold()
    for record in DATASETS.values():
        if wanted and wanted in (record.name, record.listed):
            return record
    raise ConfigError(f"There is no data set named {name!r}: choose from {', '.join(DATASETS)}.")
