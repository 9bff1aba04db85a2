export default async function hello(app: { get(path: string, answer: () => Promise<string>): void }): Promise<void> {
  app.get('/*', async () => 'hello')
}
