"""The file of slides as Office programs read it: whole, in the order of the schema, in German."""

import io
import posixpath
import re
import shutil
import subprocess
import zipfile
from xml.etree import ElementTree

import pytest
from openpyxl import load_workbook
from pptx import Presentation
from pptx.oxml.ns import qn

from journeylib.workshop.slides.deck import write_slides
from tests.workshop.voices import voiced

SOFFICE = shutil.which("soffice")
RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
# Children in the order that ECMA-376 wants, for what this library or python-pptx puts together
# itself. A program that finds another order offers to repair the file.
ORDER = {
    "a:ln": "noFill solidFill gradFill pattFill prstDash custDash round bevel miter headEnd "
    "tailEnd extLst",
    "a:rPr": "ln noFill solidFill gradFill effectLst highlight uLnTx uLn uFillTx uFill latin ea cs "
    "sym hlinkClick hlinkMouseOver rtl extLst",
    "a:p": "pPr r br fld endParaRPr",
    "p:cSld": "bg spTree custDataLst controls extLst",
    "p:sp": "nvSpPr spPr style txBody extLst",
    "p:cxnSp": "nvCxnSpPr spPr style extLst",
    "p:spPr": "xfrm custGeom prstGeom noFill solidFill gradFill ln effectLst extLst",
    "c:chartSpace": "date1904 lang roundedCorners AlternateContent style clrMapOvr pivotFmts "
    "protection chart spPr txPr externalData printSettings userShapes extLst",
    "c:chart": "title autoTitleDeleted pivotFmts view3D floor sideWall backWall plotArea legend "
    "plotVisOnly dispBlanksAs showDLblsOverMax extLst",
    "c:valAx": "axId scaling delete axPos majorGridlines minorGridlines title numFmt majorTickMark "
    "minorTickMark tickLblPos spPr txPr crossAx crosses crossesAt crossBetween majorUnit minorUnit "
    "dispUnits extLst",
    "c:catAx": "axId scaling delete axPos majorGridlines minorGridlines title numFmt majorTickMark "
    "minorTickMark tickLblPos spPr txPr crossAx crosses crossesAt auto lblAlgn lblOffset "
    "tickLblSkip tickMarkSkip noMultiLvlLbl extLst",
    "c:scaling": "logBase orientation max min extLst",
    "c:barChart": "barDir grouping varyColors ser dLbls gapWidth overlap serLines axId extLst",
    "c:lineChart": "grouping varyColors ser dLbls dropLines hiLowLines upDownBars marker smooth "
    "axId extLst",
    "c:ser": "idx order tx spPr invertIfNegative pictureOptions marker dPt dLbls trendline errBars "
    "cat val smooth shape extLst",
    "c:marker": "symbol size spPr extLst",
    "c:dLbls": "dLbl delete numFmt spPr txPr dLblPos showLegendKey showVal showCatName showSerName "
    "showPercent showBubbleSize separator showLeaderLines leaderLines extLst",
}


@pytest.fixture(scope="module")
def deck(content_of, tmp_path_factory):
    path = tmp_path_factory.mktemp("package") / "slides.pptx"
    content = voiced(content_of(12, "de"))
    write_slides(content, path)
    with zipfile.ZipFile(path) as packed:
        parts = {name: packed.read(name) for name in packed.namelist()}
    return content, path, parts


def trees(parts):
    """Yield the parts that are XML, parsed."""
    for name, data in parts.items():
        if name.endswith((".xml", ".rels")):
            yield name, ElementTree.fromstring(data)


def home_of(relations):
    """Return the part whose relations a file holds."""
    folder, name = posixpath.split(relations)
    return posixpath.join(posixpath.dirname(folder), name.removesuffix(".rels"))


def test_every_part_is_there_known_by_type_and_tied_to_what_exists(deck):
    _, _, parts = deck
    types = ElementTree.fromstring(parts["[Content_Types].xml"])
    kinds = {t.get("Extension") for t in types} | {t.get("PartName", "")[1:] for t in types}
    for name in parts:
        assert name == "[Content_Types].xml" or {name, name.rsplit(".", 1)[1]} & kinds, name
    for name, tree in trees(parts):
        if not name.endswith(".rels"):
            continue
        home = home_of(name)
        ids = [relation.get("Id") for relation in tree]
        assert len(ids) == len(set(ids))
        for relation in tree:
            if relation.get("TargetMode") == "External":
                pytest.fail(f"{name} leads out of the file")
            target = relation.get("Target")
            at = target[1:] if target.startswith("/") else posixpath.normpath(
                posixpath.join(posixpath.dirname(home), target)
            )  # fmt: skip
            assert at in parts, (name, target)
        if home in parts and home.endswith(".xml"):
            used = {
                value
                for element in ElementTree.fromstring(parts[home]).iter()
                for key, value in element.attrib.items()
                if key.startswith(RELATION) and value
            }
            assert used <= set(ids), home


def test_children_stand_in_the_order_of_the_schema(deck):
    _, _, parts = deck
    order = {qn(name): children.split() for name, children in ORDER.items()}
    seen = set()
    for name, tree in trees(parts):
        for element in tree.iter():
            if element.tag not in order:
                continue
            seen.add(element.tag)
            known = order[element.tag]
            places = [known.index(child.tag.partition("}")[2]) for child in element]
            if element.tag == qn("a:p"):  # runs and breaks may take turns
                places = [1 if place in (1, 2, 3) else place for place in places]
            assert places == sorted(places), (name, element.tag)
    assert len(seen) >= 14


def test_ids_are_unique_and_connectors_end_at_shapes(deck):
    _, path, _ = deck
    slides = list(Presentation(str(path)).slides)
    names = [slide._element.cSld.get("name") for slide in slides]
    named = [name for name in names if name]
    assert len(named) == len(set(named)) >= 4
    for slide in slides:
        ids = [element.get("id") for element in slide._element.iter(qn("p:cNvPr"))]
        assert len(ids) == len(set(ids))
        for tag in ("a:stCxn", "a:endCxn"):
            assert {end.get("id") for end in slide._element.iter(qn(tag))} <= set(ids)


def test_every_chart_has_its_workbook_with_the_same_numbers(deck):
    _, path, _ = deck
    charts = [
        s.chart for slide in Presentation(str(path)).slides for s in slide.shapes if s.has_chart
    ]
    assert len(charts) >= 3
    for chart in charts:
        sheet = load_workbook(io.BytesIO(chart.part.chart_workbook.xlsx_part.blob)).active
        rows = list(sheet.iter_rows(min_row=2, values_only=True))
        plot = chart.plots[0]
        assert [row[0] for row in rows] == list(plot.categories)
        for place, series in enumerate(plot.series, start=1):
            assert [row[place] for row in rows] == pytest.approx(list(series.values), nan_ok=True)


def test_bars_begin_at_zero_and_no_format_needs_a_country(deck):
    """Of a format an Office program writes the comma and the point of its own country."""
    _, path, parts = deck
    for slide in Presentation(str(path)).slides:
        for chart in (s.chart for s in slide.shapes if s.has_chart):
            if chart._chartSpace.findall(f".//{qn('c:barChart')}"):
                assert chart.value_axis.minimum_scale == 0
    formats = {
        found for name, data in parts.items() if "/charts/chart" in name and name.endswith(".xml")
        for found in re.findall(r'<c:numFmt formatCode="([^"]*)"', data.decode())
    }  # fmt: skip
    assert formats and not any("." in found for found in formats)


def test_every_text_says_its_language(deck):
    content, _, parts = deck
    for name, tree in trees(parts):
        if not re.fullmatch(r"ppt/(slides|notesSlides|charts)/[^/]+\.xml", name):
            continue
        for run in tree.iter(qn("a:r")):
            said = run.find(qn("a:rPr"))
            assert said is not None and said.get("lang") == content.words.tag == "de-DE", name
        if "/charts/" in name:
            assert tree.find(qn("c:lang")).get("val") == "de-DE"


@pytest.mark.slow
@pytest.mark.skipif(SOFFICE is None, reason="needs LibreOffice on the path")
def test_libreoffice_opens_it_without_a_word(deck, tmp_path):
    _, path, _ = deck
    home = f"-env:UserInstallation=file://{tmp_path}/home"
    done = subprocess.run(
        [SOFFICE, home, "--headless", "--convert-to", "pdf", "--outdir", tmp_path, path],
        capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    said = [line for line in (done.stdout + done.stderr).splitlines() if "javaldx" not in line]
    assert not re.search("error|warn|repair", " ".join(said), re.IGNORECASE)
    pages = len(re.findall(rb"/Type\s*/Page\b", (tmp_path / "slides.pdf").read_bytes()))
    assert pages == len(Presentation(str(path)).slides)
