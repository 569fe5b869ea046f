"""The edge: the device with the original image, and the client that takes it to a server.

`device.Edge` makes global and local images; `client.Client` asks a server over HTTP;
`python -m core.edge` is the command. All of it needs Pillow and httpx only, because it runs on
small boards.
"""
