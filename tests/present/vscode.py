"""A page that shows widgets as VS Code's Jupyter extension does: with its own widget manager.

The manager is the npm package `@vscode/jupyter-ipywidgets8`, which the extension itself ships; it
is joined to a real kernel by the Jupyter services in the same file, and loads anywidget as the
extension does, by RequireJS from `share/jupyter/nbextensions`. The page around it is ours: no VS
Code runs.
"""

import json
import os
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NODE = Path(os.environ.get("JOURNEYLIB_NODE_MODULES", ROOT / "node_modules"))
MANAGER = NODE / "@vscode/jupyter-ipywidgets8/dist/ipywidgets.js"
REQUIRE = NODE / "requirejs/require.js"
ANYWIDGET = Path(sys.prefix) / "share/jupyter/nbextensions/anywidget/index.js"
# The services are in the file, yet not among what it exports.
SERVICES = """
export const service = name => __webpack_require__(Object.keys(__webpack_modules__)
  .find(id => String(__webpack_modules__[id]).includes(`.${name}=void 0`)))[name]
"""
# What VS Code tells its notebooks of a theme, and the ground that its extension lays under widgets.
THEMES = {
    "vscode-light": ("#ffffff", "#3b3b3b"),
    "vscode-dark": ("#1f1f1f", "#cccccc"),
    "vscode-high-contrast": ("#000000", "#ffffff"),
    "vscode-high-contrast-light": ("#ffffff", "#292929"),
}
PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Notebook output</title>
<style>
body { margin: 0; padding: 0 26px; font: 13px sans-serif;
  background: var(--vscode-editor-background); color: var(--vscode-editor-foreground) }
.cell-output-ipywidget-background { background: white !important }
.cell-output-ipywidget-background :is(button, input, a, [role=button]) { outline: none }
.cell-output-ipywidget-background :is(button, input, a, [role=button], [tabindex="0"]):focus {
  outline: 2px solid #0078d4 !important; outline-offset: 2px !important }
</style>
<script src="require.js"></script></head>
<body><main id="outputs"></main>
<script type="module">
import { activate, service } from "./manager.js"
activate()
window.vscIPyWidgets8.load()
const kernels = new (service("KernelManager"))({
  serverSettings: service("ServerConnection").makeSettings({ baseUrl: `${location.origin}/` }),
})
const kernel = await kernels.startNew({ name: "python3", path: "explore.ipynb" })
const loaded = new Set(), told = []
const manager = new window.vscIPyWidgets.WidgetManager(kernel, undefined, {
  widgetsRegisteredInRequireJs: loaded,
  errorHandler: (...what) => console.error(what.map(String).join(" ")),
  successHandler() {},
  async loadWidgetScript(name) {
    requirejs.config({ paths: { [name]: `nbextensions/${name}/index` } })
    loaded.add(name)
  },
}, text => told.push(text))

async function show(data) {
  const place = document.createElement("div")
  place.className = "cell-output-ipywidget-background"
  document.querySelector("#outputs").append(place)
  const view = await manager.create_view(await manager.get_model(data.model_id), { el: place })
  await manager.display_view(data, view, { node: place })
}

window.run = async code => {
  const said = [], shown = []
  let failed = ""
  const future = kernel.requestExecute({ code })
  future.onIOPub = ({ content }) => {
    const widget = content.data?.["application/vnd.jupyter.widget-view+json"]
    if (widget) shown.push(widget)
    if (content.traceback) failed = content.traceback.join("\\n")
    if (content.data) said.push(content.data["text/plain"])
  }
  await future.done
  if (failed) throw new Error(failed)
  for (const widget of shown) await show(widget)
  return said.join("\\n")
}
window.theme = (kind, ground, ink) => {
  document.body.className = kind
  document.body.dataset.vscodeThemeKind = kind
  document.documentElement.style.setProperty("--vscode-editor-background", ground)
  document.documentElement.style.setProperty("--vscode-editor-foreground", ink)
}
window.stop = () => kernel.shutdown()
window.ready = true
</script></body></html>
"""


def missing() -> str:
    """Return what is not installed, as the reason to skip; empty where all is."""
    absent = [str(path) for path in (MANAGER, REQUIRE, ANYWIDGET) if not path.is_file()]
    return f"needs {', '.join(absent)}" if absent else ""


def furnish(folder):
    """Put the page and its scripts into a folder that a Jupyter server serves as /static."""
    place = folder / "vscode"
    (place / "nbextensions/anywidget").mkdir(parents=True)
    shutil.copy(REQUIRE, place)
    shutil.copy(ANYWIDGET, place / "nbextensions/anywidget")
    manager = MANAGER.read_text(encoding="utf-8") + SERVICES
    (place / "manager.js").write_text(manager, encoding="utf-8")
    (place / "index.html").write_text(PAGE, encoding="utf-8")


def visit(page, url):
    """Open the page, with a kernel of its own."""
    # A kernel may be started by whoever has the cookie of a page of the server.
    page.context.request.get(f"{url}/lab")
    page.goto(f"{url}/static/vscode/index.html")
    page.wait_for_function("window.ready")


def theme(page, kind):
    page.evaluate(f"theme({json.dumps(kind)}, ...{json.dumps(THEMES[kind])})")
