import { type SettingName, variableOf } from '../../core/config.ts'
import { redactUrl } from '../../engines/registry.ts'
import type { MoveStep } from '../../moves/mover.ts'
import { MOVABLE_STORES, type MovableStore } from '../../moves/port.ts'
import { type Command, type CommandRun, UsageError } from '../command.ts'
import { withFanfold } from '../open.ts'
import { table } from '../table.ts'

const SETTING = { follows: 'followsUrl', timelines: 'timelinesUrl' } as const satisfies Record<
  MovableStore,
  SettingName
>

const LABEL: Readonly<Record<MoveStep, string>> = {
  waiting: 'processes still to follow',
  copying: 'users copied',
  comparing: 'users compared',
}

function storeOf([name]: readonly string[]): MovableStore | undefined {
  if (name === undefined) return undefined
  const store = MOVABLE_STORES.find((movable) => movable === name)
  if (store === undefined) throw new UsageError(`"${name}" can't be moved; name one of: ${MOVABLE_STORES.join(', ')}`)
  return store
}

/** One bar for each step. */
function stepsOf({ terminal }: CommandRun) {
  let step: MoveStep | undefined
  let bar: ReturnType<typeof terminal.progress> | undefined
  return {
    onProgress(next: MoveStep, done: number): void {
      if (next !== step) {
        bar?.end()
        bar = terminal.progress(LABEL[next])
      }
      step = next
      bar?.update(done)
    },
    end: () => bar?.end(),
  }
}

async function list({ config, json, terminal }: CommandRun): Promise<number> {
  return withFanfold(config, async ({ moves }) => {
    const rows = (await moves.list()).map(({ store, toUrl, phase, startedAt }) => ({
      ...{ store, phase, to: redactUrl(toUrl) },
      started_at: startedAt.toISOString(),
    }))
    if (json) terminal.out(JSON.stringify(rows))
    else if (rows.length === 0) terminal.say('no store is moving, or was moved')
    else {
      const cells = rows.map((row) => [row.store, row.phase, row.started_at, row.to])
      terminal.out(table(['store', 'phase', 'started', 'to'], cells))
    }
    return 0
  })
}

export const move: Command = {
  name: 'move',
  about: 'Copy a store to another engine while it is served, and switch to it; without a name, list the moves',
  usage: MOVABLE_STORES.join('|'),
  options: {
    to: { type: 'string', value: 'URL', about: 'Where the store goes; the same again resumes a move' },
    cancel: { type: 'boolean', about: 'Go back to the old engine, as long as the move is not done' },
    forget: { type: 'boolean', about: 'Forget a move that is done, once every configuration names the new URL' },
  },
  examples: [
    'fanfold move timelines --to redis://cache.local:6379/0',
    'fanfold move follows --to neo4j://neo4j:secret@graph.local',
    'fanfold move',
    'fanfold move follows --cancel',
    'fanfold move follows --forget',
  ],
  async run(run) {
    const { config, options, json, terminal } = run
    const store = storeOf(run.positionals)
    if (store === undefined) return list(run)
    const { to } = options
    const asked = [typeof to === 'string', options['cancel'] === true, options['forget'] === true]
    if (asked.filter(Boolean).length !== 1) throw new UsageError('say one of --to URL, --cancel and --forget')
    return withFanfold(config, async ({ moves }) => {
      const steps = stepsOf(run)
      const { onProgress } = steps
      try {
        if (options['forget'] === true) {
          await moves.forget(store)
          terminal.say(`the move of ${store} is forgotten: ${variableOf(SETTING[store])} alone says where they live`)
          return 0
        }
        if (typeof to !== 'string') {
          await moves.cancel(store, { onProgress })
          steps.end()
          terminal.say(`${store} stay where they were; what the other engine got can be deleted`)
          return 0
        }
        const moved = await moves.move(store, to, { onProgress })
        steps.end()
        if (json) terminal.out(JSON.stringify(moved))
        terminal.say(
          `${store} live at ${redactUrl(to)} now: ${moved.copied.toLocaleString('en-US')} copied, ` +
            `${moved.mended.toLocaleString('en-US')} made the same afterwards.\n` +
            `Set ${variableOf(SETTING[store])} to it everywhere, then: fanfold move ${store} --forget`,
        )
        return 0
      } catch (error) {
        steps.end()
        throw error
      }
    })
  },
}
