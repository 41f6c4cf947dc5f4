// Label contacts: one opening at a time, by the keys 1, 2, 3 … and u. Openings come as messages,
// never as the state of a widget: that would be saved in the notebook.
const make = (tag, kind, text) => {
  const node = document.createElement(tag)
  if (kind) node.className = kind
  if (text !== undefined) node.textContent = text
  return node
}

function render({ model, el }) {
  const words = model.get("words")
  const root = make("div", "jl jl-label")
  root.tabIndex = 0
  root.setAttribute("role", "group")
  root.setAttribute("aria-label", words.title)
  // JupyterLab turns cells into headings by the keys 1, 2 and 3.
  root.dataset.lmSuppressShortcuts = "true"
  const bar = make("progress")
  const count = make("span", "jl-note")
  const opening = make("p", "jl-opening")
  opening.setAttribute("aria-live", "polite")
  const buttons = make("div", "jl-bar-tools")
  const ask = (message) => model.send(message)
  words.choices.forEach((choice, at) => {
    const button = make("button", "jl-button", `${at + 1}  ${choice}`)
    button.type = "button"
    button.addEventListener("click", () => ask({ type: "say", choice }))
    buttons.append(button)
  })
  const undo = make("button", "jl-button", `u  ${words.undo}`)
  undo.type = "button"
  undo.addEventListener("click", () => ask({ type: "undo" }))
  buttons.append(undo)
  const note = make("p", "jl-note", words.note)
  root.append(bar, count, opening, buttons, note)
  el.append(root)

  const shown = (message) => {
    opening.textContent = message.opening ?? words.finished
    root.toggleAttribute("data-finished", message.opening === null)
    count.textContent = message.progress
    Object.assign(bar, { max: message.all, value: message.done })
  }
  const pressed = (event) => {
    const choice = words.choices[Number(event.key) - 1]
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return
    if (choice !== undefined) ask({ type: "say", choice })
    else if (event.key === "u" || event.key === "Backspace") ask({ type: "undo" })
    else return
    event.preventDefault()
    event.stopPropagation()
  }
  root.addEventListener("keydown", pressed)
  model.on("msg:custom", shown)
  ask({ type: "show" })
  setTimeout(() => root.focus())
  return () => model.off("msg:custom", shown)
}

export default { render }
