"""The official client of PyPI through the proxy and beside it: `python openai_client.py PROXY KEY DIRECT USER`, JSON out."""

import json
import sys

from openai import OpenAI

proxy, key, direct, user = sys.argv[1:5]
MODEL = "gpt-4o-mini"
TOOLS = [{"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}}]


def ask(content):
    return [{"role": "user", "content": content}]


def shape(client, users=None):
    """What a client sees of a chat, a stream and a tool call, but for ids and times. Each is another user's: none remembers."""

    def given(nth):
        return {} if users is None else {"user": f"{users}-{nth}"}

    chat = client.chat.completions.create(model=MODEL, messages=ask("Tell me of the weather"), **given(1))
    stream = client.chat.completions.create(
        model=MODEL, messages=ask("Tell me of the weather"), stream=True, stream_options={"include_usage": True}, **given(2)
    )
    pieces = [[choice.model_dump() for choice in event.choices] + [event.usage is not None] for event in stream]
    tool = client.chat.completions.create(model=MODEL, messages=ask("Weather in Kazan?"), tools=TOOLS, **given(3))
    call = tool.choices[0].message.tool_calls[0]
    return {
        "chat": [choice.model_dump() for choice in chat.choices],
        "pieces": pieces,
        "tool": [call.function.name, call.function.arguments, tool.choices[0].finish_reason],
    }


through = OpenAI(base_url=proxy, api_key=key, max_retries=0)
beside = OpenAI(base_url=direct, api_key="sk-test", max_retries=0)
known = through.chat.completions.create(model=MODEL, user=user, messages=ask("Как меня зовут? Я программист?"))
print(
    json.dumps(
        {
            "same": shape(through, users=user) == shape(beside),
            "known": known.choices[0].message.content,
            "models": [model.id for model in through.models.list()],
        }
    )
)
