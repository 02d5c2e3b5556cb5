// The social model through the library: publishes, delivers, or both.
import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { openSocial } from '../../src/standalone/social.ts'
import { serveChild } from '../social-child.ts'

export interface FanfoldOptions {
  readonly database: string
  /** Timelines are in the database unless given. */
  readonly timelines?: string
  readonly workers: boolean
  /** Authors above so many active followers are pulled. */
  readonly pullFollowers?: number
}

/** Publishes a post of each of these authors in turn, round and round, until the time is over. */
export interface PublishOrder {
  readonly authors: readonly string[]
  readonly seconds: number
  readonly clients: number
  /** Posts whose fan-out may be open before the clients wait. */
  readonly openMax: number
  /** Posts a second, whoever waits; as many as the clients can unless given. */
  readonly perSecond?: number
}

export interface Published {
  readonly posts: number
}

/** Publishes one post. */
export interface PostOrder {
  readonly author: string
}

export interface Posted {
  readonly postId: string
  /** When it was begun, as `Date.now()`. */
  readonly at: number
}

const LOOK_MS = 20
const TEXT = 'The same text in every post, about as long as such texts are: one short line.'

await serveChild<FanfoldOptions, PublishOrder | PostOrder>(async (options) => {
  const fanfold = await openSocial(options)
  const looking = new pg.Client({ connectionString: options.database })
  await looking.connect()

  async function openFanouts(): Promise<number> {
    const { rows } = await looking.query('select count(*)::int as n from post_fanouts where done_at is null')
    return (rows[0] as { n: number }).n
  }

  async function postOne({ author }: PostOrder): Promise<Posted> {
    const at = Date.now()
    const { post_id } = await fanfold.social.publish({ user_id: author, content: { text: TEXT } })
    return { postId: post_id, at }
  }

  async function publishAll({ authors, seconds, clients, openMax, perSecond }: PublishOrder): Promise<Published> {
    const end = performance.now() + seconds * 1_000
    let posts = 0
    let open = 0
    const publish = () => {
      const user_id = authors[posts++ % authors.length]!
      return fanfold.social.publish({ user_id, content: { text: TEXT } })
    }
    async function look(): Promise<void> {
      while (performance.now() < end) {
        open = await openFanouts()
        await pause(LOOK_MS)
      }
    }
    async function client(): Promise<void> {
      while (performance.now() < end) {
        if (open >= openMax) await pause(LOOK_MS / 4)
        else await publish()
      }
    }
    async function paced(rate: number): Promise<void> {
      const start = performance.now()
      const publishing: Promise<unknown>[] = []
      for (let now = start; now < end; now = performance.now()) {
        while (posts < ((now - start) / 1_000) * rate) publishing.push(publish())
        await pause(1)
      }
      await Promise.all(publishing)
    }
    if (perSecond !== undefined) await paced(perSecond)
    else await Promise.all([look(), ...Array.from({ length: clients }, client)])
    return { posts }
  }

  return {
    answer: (order): Promise<Posted | Published> => ('author' in order ? postOne(order) : publishAll(order)),
    async close() {
      await looking.end()
      await fanfold.close()
    },
  }
})
