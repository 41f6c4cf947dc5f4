// The interactive journey map: draws what Python computed, tells Python what was clicked.
const STEPS = 20
const make = (tag, kind, text) => {
  const node = document.createElement(tag)
  if (kind) node.className = kind
  if (text !== undefined) node.textContent = text
  return node
}

function slider(name, low) {
  const label = make("label", "jl-slide", name)
  const value = make("output")
  const input = make("input")
  Object.assign(input, { type: "range", min: low, max: STEPS, step: 1 })
  label.append(input, value)
  const show = () => { value.textContent = `${Math.round((100 * input.value) / STEPS)} %` }
  input.addEventListener("input", show)
  return { label, input, set(share) { input.value = Math.round(share * STEPS); show() } }
}

// `io` has get(name), on(name, function), ask(message), live() and stored(), a list of scenes.
function mount(root, io) {
  root.classList.add("jl", "jl-explore", "jl-figure")
  const { words } = io.get("trail")
  const finding = make("p", "jl-finding")
  finding.setAttribute("aria-live", "polite")
  const bar = make("div", "jl-bar-tools")
  const points = slider(`${words.touchpoints} `, 1)
  const moves = slider(`${words.transitions} `, 0)
  bar.append(points.label, moves.label)
  const pickers = io.get("choices").map(({ verb, word, options }) => {
    const label = make("label", "jl-pick", `${word} `)
    const select = make("select")
    select.append(new Option(words.all, ""))
    for (const { words: shown, names } of options) select.append(new Option(shown, JSON.stringify(names)))
    select.addEventListener("change", () => pick(verb, select))
    label.append(select)
    bar.append(label)
    return { verb, select }
  })
  const trail = make("nav", "jl-trail")
  trail.setAttribute("aria-label", words.filters)
  const remaining = make("p", "jl-remaining")
  remaining.setAttribute("aria-live", "polite")
  const line = make("div", "jl-code")
  const code = make("code")
  code.tabIndex = 0
  code.setAttribute("aria-label", words.line)
  const copy = make("button", "jl-button", words.copy)
  copy.type = "button"
  line.append(code, copy)
  const map = make("div", "jl-scroll jl-map")
  const tools = make("div", "jl-zoom")
  for (const [sign, name, act] of [
    ["+", words.closer, () => scale(1.4 * zoom)], ["−", words.farther, () => scale(zoom / 1.4)],
    [words.whole, words.whole, () => scale(0)],
  ]) {
    const button = make("button", "jl-button", sign)
    Object.assign(button, { type: "button", title: name })
    button.setAttribute("aria-label", name)
    button.addEventListener("click", act)
    tools.append(button)
  }
  bar.append(tools)
  const panel = make("div", "jl-panel")
  // Of one height: what is said must not move the map away from under the pointer.
  panel.tabIndex = 0
  panel.setAttribute("role", "region")
  panel.setAttribute("aria-label", words.pointed)
  const note = make("p", "jl-note")
  const status = make("p", "jl-status")
  status.setAttribute("role", "status")
  root.replaceChildren(finding, bar, trail, line, remaining, status, panel, map, note)

  let items = new Map(), order = [], at = 0

  // As wide as its place, until somebody zooms; 0: the whole map.
  let zoom = null
  function scale(wish) {
    const svg = map.querySelector("svg")
    if (!svg || !map.clientWidth) return
    const { width, height } = svg.viewBox.baseVal
    const wide = map.clientWidth / width, room = parseFloat(getComputedStyle(map).maxHeight) - 16
    const whole = Math.min(wide, room / height, 1.5)
    const [x, y] = [map.scrollLeft + map.clientWidth / 2, map.scrollTop + map.clientHeight / 2]
    const before = svg.clientWidth || 1
    // As wide as its place, beside a sidebar too; few touchpoints are not blown up, and on a phone
    // the map scrolls rather than shrink beyond reading.
    const usual = Math.max(Math.min(wide, 1.5), 0.5)
    if (wish !== null) zoom = Math.min(Math.max(wish, whole), 4)
    const size = Math.round((zoom ?? usual) * width)
    Object.assign(svg.style, { width: `${size}px`, maxWidth: "none" })
    svg.style.setProperty("min-width", "0", "important")
    if (wish === null) return
    map.scrollLeft = x * size / before - map.clientWidth / 2
    map.scrollTop = y * size / before - map.clientHeight / 2
  }
  new ResizeObserver(() => scale(null)).observe(map)
  map.addEventListener("wheel", event => {
    if (!event.ctrlKey) return
    event.preventDefault()
    scale((zoom ?? 1) * Math.exp(-event.deltaY / 400))
  }, { passive: false })
  map.addEventListener("pointermove", event => {
    if (event.buttons !== 1 || event.pointerType === "touch") return
    map.scrollLeft -= event.movementX
    map.scrollTop -= event.movementY
  })

  function tell(item) {
    const head = make("b", "", item ? item.title : words.point)
    const list = make("div", "jl-facts")
    for (const [word, text] of item ? item.facts : []) {
      const fact = make("span")
      fact.append(make("span", "jl-word", `${word} `), make("span", "jl-value", text))
      list.append(fact)
    }
    const does = !item ? words.arrows : !item.verb ? words.folded
      : item.kind === "flow" ? words.flow
      : words.touchpoint
    panel.replaceChildren(head, list, make("span", "jl-does", does))
  }

  function choose(item, without) {
    if (!item.verb) return
    const verb = without && item.verb === "passing" ? "not_passing" : item.verb
    if (io.live()) return send({ type: "filter", verb, names: item.names })
    const quoted = item.names.map(name => JSON.stringify(name)).join(", ")
    code.textContent = `${io.get("trail").code}.${verb}(${quoted})`
    status.textContent = words.no_kernel
  }

  function pick(verb, select) {
    const names = JSON.parse(select.value || "[]")
    if (io.live()) return send({ type: "choose", verb, names })
    const quoted = names.map(name => JSON.stringify(name)).join(", ")
    code.textContent = io.get("trail").code + (names.length ? `.${verb}(${quoted})` : "")
    status.textContent = words.no_kernel
  }

  function send(message) {
    status.textContent = words.counting
    io.ask(message)
  }

  function focus(place) {
    if (!order.length) return
    order[at].node.setAttribute("tabindex", "-1")
    at = Math.max(0, Math.min(place, order.length - 1))
    order[at].node.setAttribute("tabindex", "0")
    order[at].node.focus()
  }

  function hop(step) {
    let place = at + step
    while (order[place] && order[place].item.kind !== "touchpoint") place += step
    if (order[place]) focus(place)
  }

  const KEYS = {
    ArrowRight: () => focus(at + 1), ArrowLeft: () => focus(at - 1),
    ArrowDown: () => hop(1), ArrowUp: () => hop(-1),
    Home: () => focus(0), End: () => focus(order.length - 1),
  }

  function draw() {
    const scene = io.get("scene")
    const held = map.contains(document.activeElement) && order[at] ? order[at].item.title : null
    items = new Map(scene.items.map(item => [item.key, item]))
    map.innerHTML = scene.svg
    const svg = map.querySelector("svg")
    scale(null)
    svg.setAttribute("role", "group")
    svg.setAttribute("aria-label", words.map)
    const nodes = new Map([...svg.querySelectorAll("[data-key]")].map(node => [node.dataset.key, node]))
    order = scene.items.filter(item => nodes.has(item.key)).map(item => ({ item, node: nodes.get(item.key) }))
    order.forEach(({ item, node }, place) => {
      node.querySelector("title")?.remove()
      node.classList.add("jl-item")
      node.setAttribute("role", "button")
      node.setAttribute("tabindex", place === 0 ? "0" : "-1")
      // Who speaks to the page says what is seen: the name and the small number in the box.
      const texts = [...node.querySelectorAll("text")]
      const seen = texts.map(text => text.textContent).join(" ")
      texts.forEach(text => text.after(" "))
      const name = seen.startsWith(item.title) ? seen : [item.title, seen].filter(Boolean).join(" ")
      node.setAttribute("aria-label", [name, ...item.facts.map(fact => fact.join(" "))].join("; "))
      if (!item.verb) node.setAttribute("aria-disabled", "true")
      if (item.kind === "flow") {
        // A thin line is hard to hit: a wide one that nobody sees lies over it.
        const hit = node.querySelector("path").cloneNode()
        hit.setAttribute("class", "jl-hit")
        hit.removeAttribute("stroke-width")
        node.append(hit)
      }
      node.addEventListener("pointerenter", () => tell(item))
      node.addEventListener("focus", () => { at = place; tell(item) })
      node.addEventListener("click", event => choose(item, event.shiftKey))
      node.addEventListener("keydown", event => {
        if (event.key === "Enter" || event.key === " ") choose(item, event.shiftKey)
        else if (KEYS[event.key]) KEYS[event.key]()
        else return
        event.preventDefault()
        event.stopPropagation()
      })
    })
    at = 0
    points.set(scene.touchpoints)
    moves.set(scene.transitions)
    finding.textContent = scene.finding
    note.textContent = scene.note
    tell(null)
    if (held !== null) focus(Math.max(0, order.findIndex(({ item }) => item.title === held)))
  }

  function path() {
    const { steps, remaining: left, code: text, chosen } = io.get("trail")
    for (const { verb, select } of pickers) {
      const value = chosen[verb] ? JSON.stringify(chosen[verb]) : ""
      select.value = value
      // What code asked for, and no control offers: it is chosen all the same.
      if (value && select.value !== value) {
        select.append(new Option(chosen[verb].join(" – "), value, true, true))
      }
    }
    const list = make("ol")
    steps.forEach((step, place) => {
      const entry = make("li")
      const back = make("button", "jl-button", step.words)
      back.type = "button"
      back.title = step.code
      const last = place === steps.length - 1
      if (last) back.setAttribute("aria-current", "step")
      back.disabled = last || !io.live()
      back.addEventListener("click", () => send({ type: "undo", kept: place }))
      entry.append(back)
      list.append(entry)
    })
    const undo = make("button", "jl-button jl-undo", words.undo)
    undo.type = "button"
    undo.disabled = steps.length < 2 || !io.live()
    undo.addEventListener("click", () => send({ type: "undo", kept: steps.length - 2 }))
    trail.replaceChildren(list, undo)
    remaining.textContent = steps.length > 1 ? left : ""
    code.textContent = text
  }

  function slide() {
    const wish = [points.input.value / STEPS, moves.input.value / STEPS]
    if (io.live()) {
      return send({ type: "move", touchpoints: +points.input.value, transitions: +moves.input.value })
    }
    const far = scene => Math.abs(scene.touchpoints - wish[0]) + Math.abs(scene.transitions - wish[1])
    const near = io.stored().reduce((best, scene) => (far(scene) < far(best) ? scene : best))
    io.set("scene", near)
  }

  points.input.addEventListener("change", slide)
  moves.input.addEventListener("change", slide)
  copy.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(code.textContent)
      status.textContent = words.copied
    } catch {
      getSelection().selectAllChildren(code)
      status.textContent = words.marked
    }
  })
  io.on("scene", draw)
  io.on("trail", path)
  io.on("problem", () => { if (io.get("problem")) status.textContent = io.get("problem") })
  io.on("answer", () => { if (status.textContent === words.counting) status.textContent = "" })
  draw()
  path()
  if (!io.live()) {
    status.textContent = words.stored.replace("{n}", io.stored().length)
  }
}

// In a notebook with a kernel.
function render({ model, el }) {
  const stops = []
  const on = (name, act) => {
    const event = name === "answer" ? "msg:custom" : `change:${name}`
    model.on(event, act)
    stops.push(() => model.off(event, act))
  }
  mount(el, {
    get: name => model.get(name), on, live: () => true, stored: () => [],
    ask: message => model.send(message),
  })
  return () => stops.forEach(stop => stop())
}

// In a page: `held` is all there is.
function frozen(place, held) {
  place.dataset.live = ""
  const heard = {}
  for (const scene of held.stored) {
    scene.items = scene.items.map(([key, place]) => ({ key, ...held.items[place] }))
  }
  held.scene = held.stored.find(scene => scene.touchpoints === held.at[0] && scene.transitions === held.at[1])
  mount(place.querySelector(".jl-live"), {
    get: name => held[name], live: () => false, stored: () => held.stored, ask() {},
    on: (name, act) => { heard[name] = act },
    set(name, value) { held[name] = value; heard[name]() },
  })
  const still = place.querySelector(".jl-plain .jl-svg")
  if (still) still.closest(".jl-scroll").remove()
}

export default { render }
