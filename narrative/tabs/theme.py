"""How Narrative looks: one theme, its style sheets and the script for what belongs to no single component."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

ASSETS = Path(__file__).parent / "assets"
_VARIABLES = {
    "body_background_fill": "paper",
    "body_text_color": "ink",
    "body_text_color_subdued": "soft",
    "background_fill_primary": "panel",
    "background_fill_secondary": "paper",
    "block_background_fill": "panel",
    "block_title_text_color": "ink",
    "block_label_text_color": "soft",
    "block_info_text_color": "soft",
    "border_color_primary": "line",
    "input_background_fill": "panel",
    "input_border_color": "line",
    "input_border_color_focus": "accent",
    "panel_background_fill": "panel",
    "slider_color": "accent",
    "button_primary_background_fill": "accent",
    "button_primary_background_fill_hover": "accent",
    "button_primary_text_color": "on-accent",
    "button_secondary_background_fill": "panel",
    "button_secondary_background_fill_hover": "accent-soft",
    "button_secondary_text_color": "accent",
}


def asset(name: str) -> str:
    return (ASSETS / name).read_text(encoding="utf-8")


def theme() -> gr.themes.Base:
    """Colours are CSS variables, which the style sheet sets for light and dark; fonts are the reader's own."""
    colours = {name: f"var(--{variable})" for name, variable in _VARIABLES.items()}
    dark = {f"{name}_dark": colour for name, colour in colours.items()}
    base = gr.themes.Base(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"], text_size="sm", radius_size="md")
    return base.set(**colours, **dark, color_accent="var(--accent)", block_border_width="0px", block_shadow="none", input_shadow="none")


def look(*sheets_of_tabs: str) -> dict[str, Any]:
    """What `Blocks.launch` needs to know; style sheets of tabs that live elsewhere go into the head as they are."""
    # Gradio rewrites css_paths so that they win over its own sheets, but drops container queries: those go into the head.
    sheets = [ASSETS / "studio.css", ASSETS / "drafts.css"]
    head = f"<style>{asset('columns.css')}{asset('train.css')}{asset('train_jobs.css')}{''.join(sheets_of_tabs)}</style>"
    return {"theme": theme(), "css_paths": sheets, "head": head, "js": asset("page.js"), "footer_links": [], "run_history": False}
