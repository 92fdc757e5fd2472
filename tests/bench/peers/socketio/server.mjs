// The peer of the chat benches: one room; what a client says goes to everybody in it, its sender included.
// WebSocket only, no compression, no acknowledgements of deliveries: the least that Socket.IO can do.
import { createServer } from "node:http";
import { Server } from "socket.io";

const http = createServer();
const io = new Server(http, {
  transports: ["websocket"],
  perMessageDeflate: false,
  httpCompression: false,
  serveClient: false,
  pingInterval: 25_000,
  pingTimeout: 60_000,
  maxHttpBufferSize: 65_536,
});

io.on("connection", (socket) => {
  socket.join("room");
  socket.on("message", (message, acknowledge) => {
    io.to("room").emit("message", message);
    if (typeof acknowledge === "function") acknowledge("ok");
  });
});

http.listen(Number(process.argv[2]), "127.0.0.1", () => console.log("listening"));
