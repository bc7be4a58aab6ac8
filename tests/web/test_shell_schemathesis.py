"""What the OpenAPI document says is what is taken, and nothing else is: Schemathesis tries to find the difference."""

import asyncio
import sys
from pathlib import Path

from test_shell_server import serving

HERE = Path(__file__).parent


async def test_schemathesis_finds_no_difference(tmp_path):
    async with serving(factory="described") as (_, port):
        site = f"http://127.0.0.1:{port}"
        tool = await asyncio.create_subprocess_exec(
            Path(sys.executable).with_name("schemathesis"), "--config-file", HERE / "shell_schemathesis.toml", "run",
            f"{site}/openapi.json", "--url", site, "--header", "Authorization: Bearer token-alice", "--checks", "all",
            "--max-examples", "10", "--seed", "1", "--phases", "examples,coverage,fuzzing",
            "--suppress-health-check", "too_slow", "--exclude-path-regex", "z$",
            cwd=tmp_path, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        said = (await asyncio.wait_for(tool.stdout.read(), 300)).decode()
    assert await tool.wait() == 0, said
