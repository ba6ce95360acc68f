# A client with Python's package mcp: prints what it saw as one JSON document.
# usage: client.py <server> [<argument>...]
import asyncio
import json
import sys

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client


async def main():
    saw = {}
    async with stdio_client(StdioServerParameters(command=sys.argv[1], args=sys.argv[2:])) as (r, w):
        async with ClientSession(r, w) as s:
            hello = (await s.initialize()).model_dump(mode="json", by_alias=True)
            saw["protocol"], saw["server"] = hello["protocolVersion"], hello["serverInfo"]["name"]
            saw["tools"] = [t.name for t in (await s.list_tools()).tools]
            saw["resources"] = [str(x.uri) for x in (await s.list_resources()).resources]
            saw["prompts"] = [p.name for p in (await s.list_prompts()).prompts]

            async def call(name, **arguments):
                answer = (await s.call_tool(name, arguments)).model_dump(mode="json", by_alias=True)
                return {"text": answer["content"][0]["text"], "failed": bool(answer.get("isError")), "structured": answer["structuredContent"]}

            saw["new"] = await call("new", title="from a client", priority="high", labels=["bug"])
            saw["refused"] = await call("new", titel="x")
            saw["show"] = await call("show", ids=["1"])
            saw["many"] = len([a for a in await asyncio.gather(*(call("comment", id="1", text="comment %d" % n) for n in range(10))) if not a["failed"]])
            saw["resource"] = (await s.read_resource("crosslink://issue/1")).contents[0].text
            saw["prompt"] = (await s.get_prompt("work", {"id": "1"})).messages[0].content.text
            try:
                await s.call_tool("no_such_tool", {})
                saw["unknown"] = "no error"
            except Exception as e:
                saw["unknown"] = str(e)
    print(json.dumps(saw))


asyncio.run(main())
