import { NatsBus } from "../../../lib/bus/nats/nats_bus.ts";
import { LogRecorder } from "../../helpers/log_recorder.ts";
import { startNatsServer } from "../../helpers/nats_server.ts";
import { testBusConformance } from "../../../lib/testing/bus_conformance.ts";

testBusConformance("NATS bus", async (test) => {
  await using server = await startNatsServer();
  const buses: NatsBus[] = [];
  try {
    await test(async () => {
      const bus = new NatsBus({ servers: server.url, logger: new LogRecorder() });
      buses.push(bus);
      await bus.connect();
      return bus;
    });
  } finally {
    await Promise.all(buses.map((bus) => bus.close()));
  }
});
