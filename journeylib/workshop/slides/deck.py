"""Slides: the workshop as a PowerPoint file of native shapes, connectors and charts."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from pptx import Presentation
from pptx.util import Inches

from journeylib.workshop.content.content import Content
from journeylib.workshop.slides.note_slides import (
    difference_slides,
    first_automation_slides,
    note_slides,
    unplaced_note_slides,
)
from journeylib.workshop.slides.shapes import HIGH, WIDE, new_slide, save_same, set_language
from journeylib.workshop.slides.stage import stage_slides
from journeylib.workshop.slides.summary import (
    decision_slides,
    end_slide,
    experience_slide,
    moment_slides,
    overview_slide,
    plan_slide,
    segment_slide,
    story_slides,
    title_slide,
)


def write_slides(content: Content, path: Path) -> None:
    """Write the slides: decisions, overview, experience, one slide a stage, moments, stories."""
    presentation = Presentation()
    presentation.slide_width, presentation.slide_height = Inches(WIDE), Inches(HIGH)
    presentation.core_properties.title = content.title
    presentation.core_properties.author = "journeylib"
    presentation.core_properties.language = content.words.language
    new = partial(new_slide, presentation, content)
    for add in (title_slide, decision_slides, overview_slide, experience_slide):
        add(new, content)
    for stage in content.stages:
        stage_slides(new, content, stage)
        note_slides(new, content, stage)
    for add in (unplaced_note_slides, moment_slides, story_slides):
        add(new, content)
    if len(content.segments) > 1:
        segment_slide(new, content)
    for add in (plan_slide, difference_slides, first_automation_slides, end_slide):
        add(new, content)
    set_language(presentation, content.words.tag)
    save_same(presentation, path)
