import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { ERROR_CODES } from '../src/core/errors.ts'
import { LIMITS } from '../src/core/limits.ts'
import { MIGRATIONS as MYSQL_MIGRATIONS } from '../src/engines/mysql/migrations.generated.ts'
import { MIGRATIONS as POSTGRES_MIGRATIONS } from '../src/engines/postgres/migrations.generated.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const NOT_OURS = new Set([
  'node_modules',
  'dist',
  'dist-tools',
  'dist-console',
  '.git',
  '.fanfold',
  '.cache',
  'coverage',
])

function filesIn(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = normalize(join(folder, entry.name))
    if (entry.isDirectory()) return NOT_OURS.has(entry.name) ? [] : filesIn(path)
    return entry.isFile() ? [path] : []
  })
}

const textOf = (path: string) => readFileSync(join(ROOT, path), 'utf8')

interface Import {
  /** Path below `src/`, or the name of a package. */
  readonly target: string
  /** `type` leaves nothing behind at run time, `lazy` is loaded on first use. */
  readonly kind: 'value' | 'type' | 'lazy'
}

const STATIC_IMPORT = /^(?:import|export)\s+(type\s)?(?:[^'"`;]*?\sfrom\s+)?'([^']+)'/gm
const LAZY_IMPORT = /(?<!typeof )\bimport\('([^']+)'\)/g

function importsOf(file: string, text: string): Import[] {
  const target = (specifier: string) =>
    specifier.startsWith('.') ? normalize(join(dirname(file), specifier)) : specifier
  return [
    ...Array.from(text.matchAll(STATIC_IMPORT), ([, type, specifier]): Import => {
      return { target: target(specifier!), kind: type === undefined ? 'value' : 'type' }
    }),
    ...Array.from(
      text.matchAll(LAZY_IMPORT),
      ([, specifier]): Import => ({ target: target(specifier!), kind: 'lazy' }),
    ),
  ]
}

/** The program: path below `src/` -> what it imports. */
const SOURCES: ReadonlyMap<string, { text: string; imports: readonly Import[] }> = new Map(
  filesIn('src')
    .filter((path) => path.endsWith('.ts'))
    .map((path) => {
      const file = path.slice('src/'.length)
      const text = textOf(path)
      return [file, { text, imports: importsOf(file, text) }]
    }),
)

const MODELS = ['social/', 'orders/', 'payments/', 'webhooks/']

/**
 * Rules without effects, which engines run where the data is: projections fold events, and a queue is the engine's
 * transport under the rules of every queue.
 */
const PURE = [
  'orders/report/definition.ts',
  'orders/lists/search.ts',
  'payments/model/',
  'payments/read-model/',
  'payments/schemas.ts',
  'queue/port.ts',
  'queue/queue.ts',
]

/**
 * Who may import whom, as beginnings of paths below `src/`; `types` may be imported as types only. The first rule whose
 * `from` fits a file holds. A file may always import its own folder.
 */
const RULES: readonly { from: string; may: readonly string[]; types?: readonly string[] }[] = [
  { from: 'core/', may: [] },
  { from: 'version.ts', may: [] },
  // It runs in browsers and apart from the server: its own folder and the packages it names.
  { from: 'client/', may: [] },
  { from: 'log/', may: ['core/'] },
  { from: 'queue/', may: ['core/'] },
  { from: 'relay/', may: ['core/', 'log/', 'webhooks/events.ts'] },
  ...MODELS.map((from) => ({ from, may: ['core/', 'log/', 'queue/'] })),
  { from: 'moves/', may: ['core/'], types: ['social/'] },
  { from: 'processors/', may: ['core/', 'payments/'] },
  {
    from: 'engines/engine.ts',
    may: ['core/'],
    types: ['engines/sql/', 'log/', 'queue/', 'relay/', 'moves/', 'http/ports.ts', ...MODELS],
  },
  { from: 'engines/registry.ts', may: ['core/', 'engines/'] },
  { from: 'engines/driver.ts', may: ['core/'] },
  { from: 'engines/url.ts', may: [] },
  { from: 'engines/sql/', may: ['core/', ...PURE], types: ['log/', 'queue/', ...MODELS] },
  {
    from: 'engines/',
    may: ['core/', 'engines/sql/', 'engines/engine.ts', 'engines/driver.ts', 'engines/url.ts', ...PURE],
    types: ['log/', 'queue/', 'relay/', 'moves/', 'http/ports.ts', 'processors/', ...MODELS],
  },
  { from: 'flows/', may: ['core/', 'log/', 'queue/', ...MODELS] },
  { from: 'http/', may: ['core/', 'version.ts', ...MODELS] },
  { from: 'demo/', may: ['core/', ...MODELS], types: ['app/'] },
  { from: 'cli/', may: ['core/', 'version.ts', 'app/', 'demo/', 'http/', 'moves/', 'engines/registry.ts', ...MODELS] },
  {
    from: 'testing/',
    may: ['core/', 'log/', 'queue/', 'relay/', 'moves/', ...MODELS],
    types: ['engines/', 'http/ports.ts', 'processors/'],
  },
  { from: 'app/', may: [''] },
  { from: 'standalone/', may: [''] },
  { from: 'openapi.ts', may: ['app/'] },
  { from: 'index.ts', may: [''] },
]

/** The folder that a file may use freely: each engine has one, and so has each other area. */
const homeOf = (file: string) => /^engines\/\w+\/|^\w+\//.exec(file)?.[0] ?? file

function refusal(file: string, { target, kind }: Import): string | undefined {
  const isOurs = SOURCES.has(target) || target.endsWith('.ts')
  if (!isOurs || target.startsWith(homeOf(file))) return undefined
  const rule = RULES.find(({ from }) => file.startsWith(from))
  if (rule === undefined) return `${file} has no rule`
  const allowed = kind === 'type' ? [...rule.may, ...(rule.types ?? [])] : rule.may
  return allowed.some((start) => target.startsWith(start)) ? undefined : `${file} imports ${target} (${kind})`
}

/** Files that load each other before any of them runs. */
function findCircle(): string[] {
  const done = new Set<string>()
  function visit(file: string, path: readonly string[]): string[] {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file]
    if (done.has(file)) return []
    for (const { target, kind } of SOURCES.get(file)?.imports ?? []) {
      const circle = kind === 'value' ? visit(target, [...path, file]) : []
      if (circle.length > 0) return circle
    }
    done.add(file)
    return []
  }
  for (const file of SOURCES.keys()) {
    const circle = visit(file, [])
    if (circle.length > 0) return circle
  }
  return []
}

describe('imports', () => {
  it('are seen by this test, each for what it is', () => {
    const text =
      `import a, { b } from './b.ts'\nimport type { C } from '../c/c.ts'\nimport {\n  d,\n} from 'd'\nexport * from './e.ts'
      export type { F } from './f.ts'\nimport './g.ts'\nconst h = () => import('../h.ts')\ntype I = typeof import('i')\n`.replace(
        /^ +/gm,
        '',
      )
    expect(importsOf('x/y.ts', text).map(({ target, kind }) => `${kind} ${target}`)).toEqual([
      'value x/b.ts',
      'type c/c.ts',
      'value d',
      'value x/e.ts',
      'type x/f.ts',
      'value x/g.ts',
      'lazy h.ts',
    ])
    expect([...SOURCES.values()].flatMap(({ imports }) => imports).length).toBeGreaterThan(100)
  })

  it('are refused by this test where the design refuses them', () => {
    const refused = (file: string, target: string, kind: Import['kind'] = 'value') =>
      refusal(file, { target, kind }) !== undefined
    expect(refused('core/ids.ts', 'log/port.ts')).toBe(true)
    expect(refused('core/ids.ts', 'log/port.ts', 'type')).toBe(true)
    expect(refused('social/posts.ts', 'orders/ports.ts', 'type')).toBe(true)
    expect(refused('orders/orders.ts', 'engines/sql/sql.ts', 'type')).toBe(true)
    expect(refused('engines/redis/engine.ts', 'engines/postgres/engine.ts', 'lazy')).toBe(true)
    expect(refused('engines/postgres/x.ts', 'social/ports.ts')).toBe(true)
    expect(refused('engines/postgres/x.ts', 'social/ports.ts', 'type')).toBe(false)
    expect(refused('engines/postgres/x.ts', 'engines/sql/sql.ts')).toBe(false)
    expect(refused('http/app.ts', 'engines/registry.ts')).toBe(true)
    expect(refused('elsewhere.ts', 'core/ids.ts')).toBe(true)
  })

  it('point the way the design says', () => {
    const refused = Array.from(SOURCES, ([file, { imports }]) => imports.map((each) => refusal(file, each)))
    expect(refused.flat().filter((each) => each !== undefined)).toEqual([])
  })

  it('of the rules that engines share lead to such rules only', () => {
    const allowed = (target: string) =>
      !target.endsWith('.ts') || /^core\/|^queue\//.test(target) || PURE.some((start) => target.startsWith(start))
    const impure = PURE.flatMap((start) => {
      const files = [...SOURCES].filter(([file]) => file.startsWith(start))
      if (files.length === 0) return [`${start} is not there`]
      return files.flatMap(([file, { imports }]) =>
        imports
          .filter(({ kind, target }) => kind !== 'type' && !allowed(target))
          .map(({ target }) => `${file} imports ${target}`),
      )
    })
    expect(impure).toEqual([])
  })

  it('of the console take rules without effects from the program, and nothing else', () => {
    const files = filesIn('console/src').filter((path) => /\.tsx?$/.test(path))
    const taken = files.flatMap((file) => importsOf(file, textOf(file)).map(({ target }) => target))
    const ours = taken.filter((target) => target.startsWith('src/')).map((target) => target.slice('src/'.length))
    expect(ours).toContain('http/scopes.ts')
    const allowed =
      /^core\/(limits|money)\.ts$|^http\/scopes\.ts$|^(orders|payments)\/model\/|^processors\/sandbox\/tokens\.ts$/
    expect(ours.filter((target) => !allowed.test(target))).toEqual([])
  })

  it('lead to files that are there', () => {
    const missing = Array.from(SOURCES, ([file, { imports }]) =>
      imports
        .filter(({ target }) => target.endsWith('.ts') && !SOURCES.has(target))
        .map(({ target }) => `${file} -> ${target}`),
    )
    expect(missing.flat()).toEqual([])
  })

  it('make no circle', () => {
    expect(findCircle()).toEqual([])
  })
})

describe('files', () => {
  it('of the program are named in kebab-case and have 400 lines at most', () => {
    const generated = (file: string) => file.endsWith('.generated.ts')
    const odd = [...SOURCES.keys()].filter((file) => !/^[a-z0-9-]+(\/[a-z0-9-]+)*(\.generated)?\.ts$/.test(file))
    const long = Array.from(SOURCES, ([file, { text }]) => [file, text.split('\n').length - 1] as const)
      .filter(([file, lines]) => lines > 400 && !generated(file))
      .map(([file, lines]) => `${file}: ${lines}`)
    expect({ odd, long }).toEqual({ odd: [], long: [] })
  })

  it('take the path of a file out of its URL decoded: the program may lie in a folder with a space', () => {
    const encoded = [...SOURCES].filter(([, { text }]) => /import\.meta\.url\)\.pathname/.test(text))
    expect(encoded.map(([file]) => file)).toEqual([])
  })

  it('leave nothing for later and name no path of one machine', () => {
    const forLater = new RegExp(`\\b(${['TO', 'FIX'].map((start, i) => start + ['DO', 'ME'][i]).join('|')})\\b`)
    const machine = new RegExp(`(?<!\\w)/(${['work', 'root', 'home/\\w+'].join('|')})/`)
    const texts = filesIn('.').filter((path) => /\.(ts|mjs|md|sql|json|ya?ml|sh)$|^scripts\/|^\.ci\//.test(path))
    expect(texts.length).toBeGreaterThan(100)
    const found = texts
      .filter((path) => !path.endsWith('package-lock.json') && !path.startsWith('bench/results/'))
      .flatMap((path) =>
        textOf(path)
          .split('\n')
          .map((line, index) => ({ line, at: `${path}:${index + 1}` }))
          .filter(({ line }) => forLater.test(line) || machine.test(line))
          .map(({ at }) => at),
      )
    expect(found).toEqual([])
  })
})

describe('tables of the program', () => {
  const program = Array.from(SOURCES, ([file, { text }]) =>
    file === 'core/errors.ts' || file === 'core/limits.ts' ? '' : text,
  ).join('\n')

  it('have no error code that nothing throws', () => {
    expect(Object.keys(ERROR_CODES).filter((code) => !program.includes(`'${code}'`))).toEqual([])
  })

  it('have no limit that nothing keeps', () => {
    expect(Object.keys(LIMITS).filter((limit) => !program.includes(`LIMITS.${limit}`))).toEqual([])
  })
})

describe('fanfold/testing', () => {
  it('has every contract suite', () => {
    const suites = [...SOURCES].flatMap(([file, { text }]) =>
      file.startsWith('testing/') ? Array.from(text.matchAll(/^export function (test\w+)/gm), ([, name]) => name!) : [],
    )
    expect(suites.length).toBeGreaterThan(5)
    const index = SOURCES.get('testing/index.ts')?.text ?? ''
    expect(suites.filter((name) => !new RegExp(`\\b${name}\\b`).test(index))).toEqual([])
  })
})

describe.each([
  ['postgres', POSTGRES_MIGRATIONS],
  ['mysql', MYSQL_MIGRATIONS],
])('migrations of %s', (engine, migrations) => {
  it('are numbered from 1 without a gap, named after what they do, and compiled as they are', () => {
    const folder = `src/engines/${engine}/migrations`
    const files = readdirSync(join(ROOT, folder)).sort()
    const compiled = migrations.map(({ version, name }) => `${String(version).padStart(4, '0')}_${name}.sql`)
    expect(compiled).toEqual(files)
    migrations.forEach(({ version, name, sql }, index) => {
      expect(version).toBe(index + 1)
      expect(name).toMatch(/^[a-z][a-z0-9]*(_[a-z0-9]+)*$/)
      expect(sql).toBe(textOf(`${folder}/${files[index]}`))
    })
  })
})

describe('package.json', () => {
  const manifest = JSON.parse(textOf('package.json')) as {
    bin: Record<string, string>
    exports: Record<string, string | Record<string, string>>
    peerDependencies: Record<string, string>
    peerDependenciesMeta: Record<string, { optional?: boolean }>
    dependencies: Record<string, string>
  }

  it('exports files that a build makes', () => {
    const targets = [
      ...Object.values(manifest.bin),
      ...Object.values(manifest.exports).flatMap((to) => Object.values(to)),
    ]
    const built = targets.filter((path) => path.startsWith('./dist/'))
    expect(built.length).toBeGreaterThan(5)
    const sourceOf = (path: string) => path.replace('./dist/', 'src/').replace(/(\.d\.ts|\.js)$/, '.ts')
    expect(built.filter((path) => !existsSync(join(ROOT, sourceOf(path))))).toEqual([])
    expect(built.filter((path) => !existsSync(join(ROOT, path)))).toEqual([])
  })

  it('names every package that the program imports, drivers of engines as optional', () => {
    const names = Array.from(SOURCES.values(), ({ imports }) => imports)
      .flat()
      .filter(({ target }) => !target.endsWith('.ts') && !target.startsWith('node:'))
      .map(({ target }) => /^(@[^/]+\/)?[^/]+/.exec(target)![0])
    const known = { ...manifest.dependencies, ...manifest.peerDependencies }
    expect([...new Set(names)].filter((name) => !(name in known))).toEqual([])
    for (const peer of Object.keys(manifest.peerDependencies))
      expect(manifest.peerDependenciesMeta[peer]?.optional).toBe(true)
  })
})
