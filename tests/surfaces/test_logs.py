"""Log lines: JSON on standard error, ids and field names only."""

import json
import logging

import pytest
import structlog

from hintsync.surfaces.logs import set_up_logging
from tests.surfaces.town import CANARY


def lines(captured: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in captured.readouterr().err.splitlines()]


def test_our_own_line_is_json_with_what_we_gave_it(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging()
    structlog.get_logger().warning("link-frozen", contact_id="003Ik000000yednIAA")
    (line,) = lines(capsys)
    assert (line["event"], line["level"], line["contact_id"]) == ("link-frozen", "warning", "003Ik000000yednIAA")
    assert "timestamp" in line


def test_our_own_line_through_the_standard_library_is_filled_in(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging()
    logging.getLogger("hintsync.engine.live.work").warning(
        "live work of %s waits %.0f s: %s", "clinic", 30.4, "retry-later"
    )
    (line,) = lines(capsys)
    assert (line["event"], line["logger"]) == (
        "live work of clinic waits 30 s: retry-later",
        "hintsync.engine.live.work",
    )


def test_what_is_below_the_level_is_not_written(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging()
    structlog.get_logger().info("page-read")
    logging.getLogger("hintsync.engine").info("page-read")
    assert lines(capsys) == []


def test_at_a_finer_level_our_lines_come_and_those_of_libraries_do_not(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging(logging.INFO)
    logging.getLogger("hintsync.engine").info("page-read")
    logging.getLogger("hintsync.engine").debug("page-kept")
    logging.getLogger("somelibrary.http").info("request sent")
    assert [line["event"] for line in lines(capsys)] == ["page-read"]
    set_up_logging(logging.ERROR)
    logging.getLogger("hintsync.engine").warning("page-late")
    assert lines(capsys) == []


def test_a_librarys_words_stay_out_and_its_error_is_named_by_class(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging()
    try:
        raise ValueError(CANARY)
    except ValueError:
        logging.getLogger("somelibrary.http").exception("sending %s failed", CANARY)
    (line,) = lines(capsys)
    assert (line["logger"], line["level"], line["error"]) == ("somelibrary.http", "error", "ValueError")
    assert CANARY not in json.dumps(line)


def test_an_error_of_our_own_line_is_named_by_class(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging()
    structlog.get_logger().error("run-stopped", run_id="run-1", exc_info=ValueError(CANARY))
    (line,) = lines(capsys)
    assert (line["error"], line["run_id"]) == ("ValueError", "run-1")
    assert CANARY not in json.dumps(line)


def test_an_error_being_handled_is_named_by_class_too(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging()
    try:
        raise ValueError(CANARY)
    except ValueError:
        structlog.get_logger().exception("run-stopped")
    (line,) = lines(capsys)
    assert line["error"] == "ValueError"
    assert CANARY not in json.dumps(line)
