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

for (const spot of document.querySelectorAll('svg [data-key]')) {
  const id = pages.get(spot.dataset.key)
  if (!id) continue
  spot.classList.add('jl-goes')
  spot.addEventListener('click', () => {
    location.hash = id
    opened()
  })
}

// Each chart is drawn when it is first seen; its picture stays for print.
const seen = new IntersectionObserver(entries => {
  for (const { target, isIntersecting } of entries) if (isIntersecting) drawn(target)
})
function drawn (figure) {
  seen.unobserve(figure)
  const paint = getComputedStyle(figure)
  const written = figure.dataset.chart
    .replace(/"(--jl-[\w-]+)"/g, (_, name) => JSON.stringify(paint.getPropertyValue(name).trim()))
  const { data, layout } = JSON.parse(written)
  const place = document.createElement('div')
  place.className = 'jl-chart'
  place.setAttribute('aria-hidden', 'true')
  const picture = figure.querySelector('.jl-svg')
  place.style.minWidth = picture.style.minWidth
  picture.after(place)
  figure.classList.add('jl-drawn')
  Plotly.newPlot(place, data, layout, { displayModeBar: false, responsive: true })
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
  const feelings = new Map(rows.map(row => [row.dataset.name, row.dataset.feeling]))
  const marks = [...document.querySelectorAll('#quadrant [data-key]')]
    .filter(mark => feelings.has(mark.dataset.key))
  for (const mark of marks) mark.dataset.feeling = feelings.get(mark.dataset.key)

  function show () {
    const group = field('group') ? field('group').selectedIndex - 1 : -1
    const seen = new Set()
    rows.forEach((row, place) => {
      const fits = ['channel', 'now', 'should']
        .every(name => ['', row.dataset[name]].includes(value(name)))
      row.hidden = !fits || (field('flagged')?.checked && !row.dataset.flagged)
      if (!row.hidden) seen.add(row.dataset.name)
      cells[place].textContent = group < 0 ? all[place] : row.dataset.counts.split('|')[group] || '–'
    })
    for (const mark of marks) mark.classList.toggle('jl-dim', !seen.has(mark.dataset.key))
    document.body.dataset.colour = value('colour')
    const [shown, withheld, colours] = status.dataset.words.split('|')
    const words = [shown.replace('{n}', seen.size).replace('{all}', rows.length)]
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
