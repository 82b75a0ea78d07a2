"""`symdrive predict`: a checkpoint on a folder of pictures and target points."""

import json

import cv2

from symdrive.agent.predict import predict, read_scenes
from symdrive.agent.student import StudentConfig
from symdrive.cli.screen import bar, console
from symdrive.cli.student_options import Predict
from symdrive.core.config import to_plain
from symdrive.features.checkpoint import load_checkpoints
from symdrive.features.prediction import Prediction
from symdrive.report.prediction import draw_prediction


def run(options: Predict) -> None:
    """Draw and write down what the checkpoint makes of each scene."""
    checkpoints = load_checkpoints(options.checkpoint, options.device)
    scenes = read_scenes(options.folder)
    options.out.mkdir(parents=True, exist_ok=True)
    said: dict[str, object] = {}
    with bar("scenes", len(scenes)) as line:
        for scene in scenes:
            prediction = predict(scene, options.folder, checkpoints, StudentConfig())
            picture = draw_prediction(prediction, checkpoints[0].features.bev)
            file = options.out / f"{scene.name}.png"
            cv2.imwrite(str(file), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
            said[scene.name] = _plain(prediction)
            line.step(scene.name)
    document = options.out / "predictions.json"
    document.write_text(json.dumps(said, indent=1))
    console.print(f"{len(scenes)} scenes drawn in {options.out}, plans in {document}")


def _plain(prediction: Prediction) -> dict[str, object]:
    """The plan as numbers; ego frame, m."""
    return {
        "route": prediction.route.round(3).tolist(),
        "waypoints": prediction.waypoints.round(3).tolist(),
        "target_speed_mps": prediction.target_speed_mps,
        "boxes": to_plain(prediction.boxes),
    }
