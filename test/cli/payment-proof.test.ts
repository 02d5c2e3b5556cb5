import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { createFanfold } from '../../src/app/fanfold.ts'
import type { Terminal } from '../../src/cli/command.ts'
import { runCli } from '../../src/cli/run.ts'
import { openPglite } from '../../src/engines/postgres/client-pglite.ts'
import { copyTemplate } from '../setup/template.ts'

const CHECKER = fileURLToPath(new URL('../../examples/check-payments.mjs', import.meta.url))

describe('the proof of payments by command line', () => {
  let folder: string
  let template: Awaited<ReturnType<typeof copyTemplate>>
  let publicKey: string
  let sealsFile: string
  const at = (name: string) => join(folder, name)

  async function run(...args: string[]) {
    const [out, said]: string[][] = [[], []]
    const terminal: Terminal = {
      out: (text) => void out!.push(text),
      say: (text) => void said!.push(text),
      progress: () => ({ update: () => undefined, end: () => undefined }),
    }
    const flags = ['--database-url', `pglite:${template.folder}`, '--keys-dir', at('keys')]
    const code = await runCli([...args, ...flags], {}, terminal)
    return { code, out: out!.join('\n'), said: said!.join('\n') }
  }

  /** The program of the documentation, which knows nothing of Fanfold. */
  async function check(...args: string[]): Promise<{ code: number; out: string }> {
    const child = spawn(process.execPath, [CHECKER, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
    let out = ''
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString()
    })
    const [code] = (await once(child, 'close')) as [number]
    return { code, out }
  }

  async function asSuperuser(...statements: string[]): Promise<void> {
    const sql = await openPglite(template.folder)
    try {
      await sql.transaction((tx) => tx.script(`set local session_replication_role = replica; ${statements.join(';')}`))
    } finally {
      await sql.close()
    }
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fanfold-cli-proof-'))
    template = await copyTemplate(inject('embeddedTemplate'))
    const options = { database: `pglite:${template.folder}`, keysDir: at('keys'), workers: false }
    await using fanfold = await createFanfold(options)
    for (let n = 0; n < 3; n++) {
      const input = { amount: 1_000, currency: 'USD', payment_method: { type: 'card', token: 'tok_ok' } }
      const { payment_intent_id: id } = await fanfold.payments.create(input, { idempotencyKey: `c${n}` })
      await fanfold.payments.authorize(id, {}, { idempotencyKey: `a${n}` })
      await fanfold.paymentProof.sealNow()
    }
    const files = await readdir(at('keys'))
    publicKey = at(`keys/${files.find((name) => name.endsWith('.pub.pem'))}`)
    sealsFile = at(`keys/${files.find((name) => name.endsWith('.seals.jsonl'))}`)
  })
  afterAll(async () => {
    await template.remove()
    await rm(folder, { recursive: true, force: true })
  })

  it('shows how far the log is sealed, and seals the rest', async () => {
    const before = await run('seals', 'now', '--json')
    expect(before).toMatchObject({ code: 0, said: '0 new seals' })
    const [shard] = (JSON.parse(before.out) as { shards: object[] }).shards
    expect(shard).toMatchObject({ shard: 0, events: 15, sealed_events: 15, seals: 3 })
    expect((await run('seals')).said).toContain(sealsFile)
    expect(await run('seals', 'later')).toMatchObject({ code: 2 })
  })

  it('is whole in the database and in an export, checked with and without Fanfold', async () => {
    const inDatabase = await run('verify', 'payments', '--json')
    expect(JSON.parse(inDatabase.out)).toMatchObject({
      payments: { ok: true, differences: [], seals: 3, seal_copies: 3, sealed_events: 15, unsealed_events: 0 },
    })
    expect(await run('export', 'payments', '--out', at('p.jsonl'))).toMatchObject({ code: 0 })
    const sources = ['--public-key', publicKey, '--seals', sealsFile]
    const offline = await run('verify', 'payments', '--export', at('p.jsonl'), ...sources, '--json')
    expect(offline.code).toBe(0)
    expect(JSON.parse(offline.out)).toEqual({
      payments: {
        ...{ ok: true, shards: 1, payments: 3, events: 15, seals: 3, sealed_events: 15 },
        ...{ signatures_checked: true, findings: [] },
      },
    })
    expect(await check(at('p.jsonl'), publicKey, sealsFile)).toEqual({ code: 0, out: 'ok\n' })
    const unsigned = await run('verify', 'payments', '--export', at('p.jsonl'))
    expect(unsigned).toMatchObject({ code: 0, said: expect.stringContaining('not checked') })
  })

  it('names an edit in an export, and a file that was cut off or has a foreign line', async () => {
    const lines = (await readFile(at('p.jsonl'), 'utf8')).split('\n')
    const edited = lines.map((line) => (line.includes('"event_id":"7","payment') ? line.replace('1000', '900') : line))
    expect(edited).not.toEqual(lines)
    await writeFile(at('edited.jsonl'), edited.join('\n'))
    const { code, out } = await run('verify', 'payments', '--export', at('edited.jsonl'), '--public-key', publicKey)
    expect(code).toBe(1)
    expect(out).toMatch(/event_changed +pi_\w+ +shard 0, event 7 +version 2 .* is not as it was written/)
    expect(await check(at('edited.jsonl'), publicKey)).toMatchObject({
      ...{ code: 1, out: expect.stringMatching(/event 7: version 2 of pi_\w+ is not as it was written/) },
    })
    // The last event of one payment and the first of the next: each is as it was written, but not where.
    const moved = lines.with(9, lines[10]!.replace('"6"', '"5"')).with(10, lines[9]!.replace('"5"', '"6"'))
    await writeFile(at('moved.jsonl'), moved.join('\n'))
    const shown = await run('verify', 'payments', '--export', at('moved.jsonl'), '--public-key', publicKey)
    expect(shown).toMatchObject({
      code: 1,
      out: expect.stringMatching(/log_rewritten +payments log, shard 0 +shard 0, event 1 to 5/),
    })
    expect(await check(at('moved.jsonl'), publicKey)).toMatchObject({
      ...{ code: 1, out: expect.stringContaining('the log up to event 5 is not as it was sealed') },
    })
    await writeFile(at('cut.jsonl'), lines.slice(0, -2).join('\n'))
    expect((await run('verify', 'payments', '--export', at('cut.jsonl'))).out).toContain('the file was cut off')
    await writeFile(at('foreign.jsonl'), lines.with(5, 'nothing').join('\n'))
    const foreign = (await run('verify', 'payments', '--export', at('foreign.jsonl'))).out
    expect(foreign).toMatch(/line 6 +is not a line of an export/)
    expect(foreign).toContain('event_missing')
  })

  it('names what a superuser did, in the database and in an export made afterwards', async () => {
    await asSuperuser(
      'delete from payment_events where event_id > 10',
      'delete from log_seals where event_id > 10',
      `update log_head set last_event_id = 10 where log = 'payments'`,
      'delete from payment_intents where payment_intent_id not in (select payment_intent_id from payment_events)',
    )
    const inDatabase = await run('verify', 'payments', '--json')
    expect(inDatabase.code).toBe(1)
    const cut = expect.objectContaining({ kind: 'log_cut', shard: 0, event_id: '11', to_event_id: '15' })
    const lost = expect.objectContaining({ kind: 'seal_missing', shard: 0, seal_number: 3 })
    const { differences } = (JSON.parse(inDatabase.out) as { payments: { differences: object[] } }).payments
    expect(differences).toEqual(expect.arrayContaining([cut, lost]))
    await run('export', 'payments', '--out', at('after.jsonl'))
    const sources = ['--public-key', publicKey, '--seals', sealsFile]
    const offline = await run('verify', 'payments', '--export', at('after.jsonl'), ...sources, '--json')
    expect(offline.code).toBe(1)
    expect((JSON.parse(offline.out) as { payments: { findings: object[] } }).payments.findings).toEqual(
      expect.arrayContaining([cut, lost]),
    )
    expect(await check(at('after.jsonl'), publicKey, sealsFile)).toMatchObject({
      ...{ code: 1, out: expect.stringContaining('event 15 was sealed, but is not there') },
    })
  })

  it('says what is wrong with the words', async () => {
    expect(await run('verify', 'orders', '--export', at('p.jsonl'))).toMatchObject({ code: 2 })
    expect(await run('verify', '--public-key', publicKey)).toMatchObject({ code: 2 })
    expect(await run('verify', 'payments', '--public-key', at('p.jsonl'))).toMatchObject({
      ...{ code: 2, said: expect.stringContaining('is not a key') },
    })
    expect(await run('verify', 'payments', '--export', at('none.jsonl'))).toMatchObject({
      ...{ code: 1, said: expect.stringContaining('none.jsonl') },
    })
    expect(await run('export', 'payments', '--format', 'csv')).toMatchObject({ code: 2 })
  })
})
