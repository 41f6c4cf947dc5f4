'use strict'
// The page is complete without this script: it only filters, colours and opens what is there.
const pages = new Map()
for (const page of document.querySelectorAll('.jl-spot .jl-page')) {
  pages.set(page.parentElement.querySelector('summary b').textContent, page.id)
}

function opened () {
  const place = document.getElementById(location.hash.slice(1))
  const fold = place && place.closest('details')
  if (!fold) return
  fold.open = true
  place.scrollIntoView()
}
addEventListener('hashchange', opened)
opened()

function open (name) {
  if (!pages.has(name)) return
  location.hash = pages.get(name)
  opened()
}
for (const spot of document.querySelectorAll('svg [data-key]')) {
  if (!pages.has(spot.dataset.key)) continue
  spot.classList.add('jl-goes')
  spot.addEventListener('click', () => open(spot.dataset.key))
}

const FEELINGS = { good: '--jl-good', bad: '--jl-bad', '': '--jl-line' }
const feelings = new Map() // of touchpoints in the table that filters
const recolour = [] // what to call when another touchpoint is shown, or another colour
let shown = new Set()
let byFeeling = false

// Each chart is drawn when it is first seen; its picture stays for print.
const seen = new IntersectionObserver(entries => {
  for (const { target, isIntersecting } of entries) if (isIntersecting) drawn(target)
})
function drawn (figure) {
  seen.unobserve(figure)
  const paint = getComputedStyle(figure)
  const written = figure.dataset.chart
    .replace(/"(--jl-[\w-]+)"/g, (_, name) => JSON.stringify(paint.getPropertyValue(name).trim()))
  const { data, layout, narrow } = JSON.parse(written)
  const phone = narrow && figure.clientWidth < 600
  const named = data.flatMap((trace, place) => trace.customdata ? [place] : [])
  const own = named.map(place => (data[place].marker ?? data[place].textfont).color)
  const place = document.createElement('div')
  place.className = 'jl-chart'
  place.setAttribute('aria-hidden', 'true')
  const picture = figure.querySelector('.jl-svg')
  place.style.minWidth = phone ? 0 : picture.style.minWidth
  picture.after(place)
  figure.classList.add('jl-drawn')
  Plotly.newPlot(place, data, phone ? { ...layout, ...narrow } : layout, { displayModeBar: false, responsive: true })
  if (!named.length) return
  place.on('plotly_click', ({ points }) => open(points[0].customdata))
  // A mark that the filter hides is pale; every other has its own colour or that of a feeling.
  const colour = (name, usual) => !shown.has(name)
    ? paint.getPropertyValue('--jl-line')
    : byFeeling ? paint.getPropertyValue(FEELINGS[feelings.get(name)] ?? '--jl-abstain') : usual
  const update = () => {
    const colours = named.map((at, i) => data[at].customdata
      .map((name, k) => colour(name, Array.isArray(own[i]) ? own[i][k] : own[i])))
    Plotly.restyle(place, { 'marker.color': colours, 'textfont.color': colours }, named)
  }
  if (figure.id === 'quadrant' && feelings.size) {
    recolour.push(update)
    update()
  }
}
document.querySelectorAll('figure[data-chart]').forEach(figure => seen.observe(figure))

function filtered (block) {
  const form = block.querySelector('.jl-filters')
  const rows = [...block.querySelectorAll('tbody tr')]
  const cells = rows.map(row => row.children[4])
  const all = cells.map(cell => cell.textContent)
  const status = form.querySelector('output')
  const field = name => form.elements[name]
  const value = name => field(name) ? field(name).value : ''
  for (const row of rows) feelings.set(row.dataset.name, row.dataset.feeling)

  function show () {
    const group = field('group') ? field('group').selectedIndex - 1 : -1
    shown = new Set()
    rows.forEach((row, place) => {
      const fits = ['channel', 'now', 'should']
        .every(name => ['', row.dataset[name]].includes(value(name)))
      row.hidden = !fits || (field('flagged')?.checked && !row.dataset.flagged)
      if (!row.hidden) shown.add(row.dataset.name)
      cells[place].textContent = group < 0 ? all[place] : row.dataset.counts.split('|')[group] || '–'
    })
    byFeeling = value('colour') === 'feeling'
    for (const update of recolour) update()
    const [count, withheld, colours] = status.dataset.words.split('|')
    const words = [count.replace('{n}', shown.size).replace('{all}', rows.length)]
    if (group >= 0) words.push(withheld)
    if (value('colour')) words.push(colours)
    status.textContent = words.join(' · ')
  }
  form.addEventListener('input', show)
  form.addEventListener('submit', event => event.preventDefault())
  form.hidden = false
  show()
}
document.querySelectorAll('.jl-serves').forEach(filtered)
