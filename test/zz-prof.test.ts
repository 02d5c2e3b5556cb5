import { it } from 'vitest'
import { openSocial } from '/work/main/test/setup/social.ts'
import { sqlEngines } from '/work/main/test/setup/sql.ts'
import { createSocial } from '/work/main/src/social/social.ts'
function timed(name: string, o: any, acc: Map<string, [number, number]>): any {
  return new Proxy(o, { get(t, k) {
    const v = t[k]
    if (typeof v === 'object' && v !== null) return timed(name + '.' + String(k), v, acc)
    if (typeof v !== 'function') return v
    return async (...a: any[]) => { const s = performance.now(); try { return await v.apply(t, a) } finally { const e = acc.get(name + '.' + String(k)) ?? [0, 0]; e[0] += performance.now() - s; e[1]++; acc.set(name + '.' + String(k), e) } }
  } })
}
it('prof', { timeout: 600000 }, async () => {
  const u = await openSocial(sqlEngines()[Number(process.env.ENG ?? 0)]!)
  const acc = new Map<string, [number, number]>()
  const deps = { ...u.deps, users: timed('users', u.deps.users, acc), follows: timed('follows', u.deps.follows, acc), posts: timed('posts', u.deps.posts, acc), timelines: timed('timelines', u.deps.timelines, acc) }
  const social = createSocial(deps)
  const show = (l: string, s: number) => { console.log(l, ((performance.now() - s) / 1000).toFixed(1), [...acc].sort((a, b) => b[1][0] - a[1][0]).slice(0, 9).map(([k, [ms, n]]) => `${k} ${(ms / 1000).toFixed(2)}s/${n}`).join('  ')); acc.clear() }
  let s = performance.now()
  await social.importFollows('/work/shared/data/facebook_follows.txt'); show('import', s)
  const rows = await u.database.sql.query<{ id: string }>('select followee_id as id from follows group by followee_id order by count(*) desc, followee_id limit 100')
  const w = social.startWorkers({ concurrency: 4 })
  s = performance.now()
  await Promise.all(Array.from({ length: 16 }, async (_, l) => { for (let n = l; n < 1000; n += 16) await social.publish({ user_id: rows[n % 100]!.id, content: { text: `p ${n}` } }) }))
  while ((await u.deps.queue.depths()).some((d) => d.depth > 0)) await new Promise((r) => setTimeout(r, 50))
  show('publish', s)
  await w.close()
  s = performance.now()
  const r = await social.verify(); show('verify ' + r.ok + ' ' + r.entries, s)
  await u.close()
})
