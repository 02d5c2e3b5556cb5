// What Fastify can do without us: the same answers from memory. Argument: route name -> answer, as JSON.
import fastify from 'fastify'

const answers = Object.entries(JSON.parse(process.argv[2] ?? '') as Record<string, object>)
const app = fastify()
for (const [route, answer] of answers) {
  app.get(`/${route}`, async () => answer)
  app.post(`/${route}`, async (_request, reply) => reply.code(201).send(answer))
}
await app.listen({ host: '127.0.0.1', port: 0 })
process.once('disconnect', () => void app.close())
process.send?.({ address: app.listeningOrigin })
