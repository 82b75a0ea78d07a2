"""Embree 4 behind owning objects: the C library that the `embreex` wheel carries, through ctypes.

The wheel's own Python API knows neither instances nor ray packets, so only its library is used.
Struct layouts and constants follow Embree 4's headers (`rtcore_ray.h`, `rtcore_scene.h`,
`rtcore_geometry.h`, `rtcore_common.h`; RenderKit/embree v4.4.0).

Kernels cast rays through `intersect_packet` and move instances through `place_instances`; both
reach the library by symbol name, so that compiled kernels stay valid in numba's cache on disk
(which tells CPUs apart, and with them packet sizes).
"""

import ctypes
import importlib
import weakref
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, no_type_check

import embreex
import llvmlite.binding as llvm
import numpy as np
from jaxtyping import Float, Int
from numba import njit, types

RAY_ROWS = 21
"""Rows of an `RTCRayHit16` (or 8, or 4): one row of float32 or int32 a field."""

ORIGIN_ROW, NEAR_ROW, DIRECTION_ROW, TIME_ROW, FAR_ROW, MASK_ROW = 0, 3, 4, 7, 8, 9
RAY_ID_ROW, FLAGS_ROW, FACE_ROW, GEOMETRY_ROW, INSTANCE_ROW = 10, 11, 17, 18, 19

_SUPPORTED_MAJOR = 4
_INDEX_BUFFER, _VERTEX_BUFFER = 0, 1
_UINT3, _FLOAT3, _FLOAT3X4_COLUMN_MAJOR = 0x5003, 0x9003, 0x9234
_TRIANGLES, _INSTANCE = 0, 121
_STATIC_FLAGS, _DYNAMIC_FLAG = 0, 1
_QUALITY_LOW, _QUALITY_HIGH = 0, 2
_PROPERTY_VERSION_MAJOR, _PROPERTY_RAY_MASK = 1, 64
_PROPERTY_NATIVE_PACKET = {16: 34, 8: 33, 4: 32}
_COHERENT_RAYS = 1 << 16
_ERRORS = {
    1: "unknown error",
    2: "invalid argument",
    3: "invalid operation",
    4: "out of memory",
    5: "unsupported CPU",
    6: "cancelled",
}

# One building thread: the tree, and with it the winner among equally near faces, is the same in
# every run; a worker process does not wake a thread pool for the few instances of a tick.
_DEVICE_CONFIG = b"threads=1,set_affinity=0"


class EmbreeError(RuntimeError):
    """Embree refused a call, or the library is missing or of the wrong version."""


class _IntersectArguments(ctypes.Structure):
    """`RTCIntersectArguments`."""

    _fields_ = [
        ("flags", ctypes.c_int),
        ("feature_mask", ctypes.c_uint),
        ("context", ctypes.c_void_p),
        ("filter", ctypes.c_void_p),
        ("intersect", ctypes.c_void_p),
    ]


_COHERENT = _IntersectArguments(_COHERENT_RAYS, 0xFFFFFFFF, None, None, None)
COHERENT_ARGUMENTS = ctypes.addressof(_COHERENT)
"""Address of the arguments for packets whose rays start together and point alike."""


def library_file() -> Path:
    """The Embree library inside the installed `embreex` wheel.

    Wheel repair tools put it beside the package (`embreex.libs` on Linux and Windows) or inside
    (`.dylibs` on macOS).

    Raises:
        EmbreeError: when none, or more than one, is there.
    """
    package = Path(embreex.__file__).parent
    folders = (package.parent / "embreex.libs", package / ".dylibs", package)
    found = [file for folder in folders for file in sorted(folder.glob("*embree4*"))]
    if len(found) != 1:
        raise EmbreeError(
            f"expected one Embree 4 library beside {package}, found {len(found)};"
            " reinstall with: pip install --force-reinstall 'embreex>=4.4,<5'"
        )
    return found[0]


def _load() -> ctypes.CDLL:
    """The loaded library with its functions typed, known to numba's linker."""
    # The wheel's extension module pulls in the libraries that Embree itself needs.
    importlib.import_module("embreex.rtcore")
    library = ctypes.CDLL(str(library_file()))
    pointer, integer, unsigned = ctypes.c_void_p, ctypes.c_int, ctypes.c_uint
    size, signed_size = ctypes.c_size_t, ctypes.c_ssize_t
    signatures: dict[str, tuple[Any, ...]] = {
        "rtcNewDevice": (pointer, ctypes.c_char_p),
        "rtcReleaseDevice": (None, pointer),
        "rtcGetDeviceError": (integer, pointer),
        "rtcGetDeviceProperty": (signed_size, pointer, integer),
        "rtcNewScene": (pointer, pointer),
        "rtcReleaseScene": (None, pointer),
        "rtcSetSceneFlags": (None, pointer, integer),
        "rtcSetSceneBuildQuality": (None, pointer, integer),
        "rtcCommitScene": (None, pointer),
        "rtcNewGeometry": (pointer, pointer, integer),
        "rtcReleaseGeometry": (None, pointer),
        "rtcSetNewGeometryBuffer": (pointer, pointer, integer, unsigned, integer, size, size),
        "rtcAttachGeometryByID": (None, pointer, pointer, unsigned),
        "rtcSetGeometryInstancedScene": (None, pointer, pointer),
        "rtcSetGeometryMask": (None, pointer, unsigned),
        "rtcEnableGeometry": (None, pointer),
        "rtcDisableGeometry": (None, pointer),
        "rtcSetGeometryTransform": (None, pointer, unsigned, integer, pointer),
        "rtcCommitGeometry": (None, pointer),
        **{
            f"rtcIntersect{width}": (None, pointer, pointer, pointer, pointer)
            for width in _PROPERTY_NATIVE_PACKET
        },
    }
    for name, (result, *arguments) in signatures.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
        llvm.add_symbol(name, ctypes.cast(function, pointer).value)
    return library


# Loaded with the module: numba links a cached kernel against these symbols when it loads it.
_LIBRARY = _load()


def _native_packet() -> int:
    """The widest packet that this CPU casts as one; Embree takes wider ones apart, ray by ray."""
    device = _LIBRARY.rtcNewDevice(_DEVICE_CONFIG)
    native = [
        width
        for width, number in _PROPERTY_NATIVE_PACKET.items()
        if device and _LIBRARY.rtcGetDeviceProperty(device, number)
    ]
    if device:
        _LIBRARY.rtcReleaseDevice(device)
    return max(native, default=4)


PACKET = _native_packet()
"""Rays in a packet: 16 with AVX-512, 8 with AVX2, 4 with SSE or NEON."""

TILE_COLUMNS, TILE_ROWS = 4, PACKET // 4
"""A packet covers a small rectangle of neighbouring rays, row by row."""

_intersect = types.ExternalFunction(
    f"rtcIntersect{PACKET}", types.void(types.intp, types.intp, types.intp, types.intp)
)
_set_transform = types.ExternalFunction(
    "rtcSetGeometryTransform", types.void(types.intp, types.uint32, types.int32, types.intp)
)
_commit_geometry = types.ExternalFunction("rtcCommitGeometry", types.void(types.intp))


@njit
@no_type_check
def aligned_rows(rows, fill):
    """`rows` of a packet's width on a 64-byte boundary, as Embree's packets need it, all `fill`."""
    raw = np.full(rows * PACKET + 16, fill, np.float32)
    skip = ((64 - raw.ctypes.data % 64) % 64) // 4
    return raw[skip : skip + rows * PACKET].reshape(rows, PACKET)


@njit
@no_type_check
def new_packet(near, mask):
    """A packet, and the same seen as int32, for many casts of rays that meet what shares a bit.

    Origins and directions are the caller's; `arm_packet` goes before each cast.
    """
    packet = aligned_rows(RAY_ROWS, np.float32(0.0))
    bits = packet.view(np.int32)
    for k in range(PACKET):
        packet[NEAR_ROW, k] = near
        packet[TIME_ROW, k] = 0.0
        bits[MASK_ROW, k] = mask
        bits[RAY_ID_ROW, k] = 0
        bits[FLAGS_ROW, k] = 0
    return packet, bits


@njit
@no_type_check
def arm_packet(packet, bits, far):
    """What the last cast wrote into a packet, as the next one needs it."""
    for k in range(PACKET):
        packet[FAR_ROW, k] = far
        bits[FACE_ROW, k] = -1
        bits[GEOMETRY_ROW, k] = -1
        bits[INSTANCE_ROW, k] = -1


@njit
@no_type_check
def intersect_packet(valid, scene, packet, arguments):
    """Nearest hits of a packet; all four are addresses."""
    _intersect(valid, scene, packet, arguments)


@njit(cache=True)
@no_type_check
def place_instances(geometries: Int[np.ndarray, " n"], transforms: Float[np.ndarray, "n 12"]):
    """Set and commit the transforms of many instances.

    Args:
        geometries: handles.
        transforms: float32, the 3x4 matrix of each, column by column.
    """
    for i in range(len(geometries)):
        address = transforms.ctypes.data + i * 48
        _set_transform(geometries[i], np.uint32(0), np.int32(_FLOAT3X4_COLUMN_MAJOR), address)
        _commit_geometry(geometries[i])


class _Handle:
    """An Embree object that is released with its last Python reference."""

    def __init__(
        self, address: int | None, release: Callable[[int], None], device: int | None
    ) -> None:
        if not address:
            raise EmbreeError(f"Embree refused: {_error_text(device)}")
        self.address = address
        finalizer = weakref.finalize(self, release, address)
        # At interpreter exit the process returns everything at once.
        finalizer.atexit = False


class Device(_Handle):
    """Owns everything else; its scenes keep it alive.

    Raises:
        EmbreeError: when the library is not Embree 4 or was built without ray masks.
    """

    def __init__(self) -> None:
        super().__init__(_LIBRARY.rtcNewDevice(_DEVICE_CONFIG), _LIBRARY.rtcReleaseDevice, None)
        major = _LIBRARY.rtcGetDeviceProperty(self.address, _PROPERTY_VERSION_MAJOR)
        if major != _SUPPORTED_MAJOR:
            raise EmbreeError(f"{library_file()} is Embree {major}; Embree 4 is needed")
        if not _LIBRARY.rtcGetDeviceProperty(self.address, _PROPERTY_RAY_MASK):
            raise EmbreeError(f"{library_file()} was built without ray masks")

    def check(self) -> None:
        """Raise the first error since the last check.

        Raises:
            EmbreeError: with Embree's error code.
        """
        text = _error_text(self.address)
        if text:
            raise EmbreeError(f"Embree: {text}")


@cache
def shared_device() -> Device:
    """The one device of this process.

    With a second one, a thread of Embree's scheduler (oneTBB) that finds no work spins for as long
    as both live, and takes a whole core from whatever runs beside, such as training.

    Raises:
        EmbreeError: as `Device` does.
    """
    return Device()


def _error_text(device: int | None) -> str:
    """Code and name of the pending error of a device (None: of device creation), or nothing."""
    code = _LIBRARY.rtcGetDeviceError(device)
    return f"{_ERRORS.get(code, 'unheard-of error')} (RTCError {code})" if code else ""


class Geometry(_Handle):
    """A geometry that is not yet, or no longer, attached."""

    def __init__(self, device: Device, kind: int) -> None:
        super().__init__(
            _LIBRARY.rtcNewGeometry(device.address, kind),
            _LIBRARY.rtcReleaseGeometry,
            device.address,
        )
        self.device = device


class TriangleScene(_Handle):
    """A static tree over one triangle mesh.

    Embree keeps its own, padded copy of the buffers.

    Args:
        device: owner.
        vertices: x y z.
        faces: rows of `vertices`.

    Raises:
        EmbreeError: when Embree refuses the mesh.
    """

    def __init__(
        self,
        device: Device,
        vertices: Float[np.ndarray, "vertex 3"],
        faces: Int[np.ndarray, "face 3"],
    ) -> None:
        super().__init__(
            _LIBRARY.rtcNewScene(device.address), _LIBRARY.rtcReleaseScene, device.address
        )
        geometry = Geometry(device, _TRIANGLES)
        _fill_buffer(geometry, _VERTEX_BUFFER, _FLOAT3, vertices.astype(np.float32))
        _fill_buffer(geometry, _INDEX_BUFFER, _UINT3, faces.astype(np.uint32))
        # Who sees what is up to the instances; Embree's own default lets bit 1 through alone.
        _LIBRARY.rtcSetGeometryMask(geometry.address, 0xFFFFFFFF)
        _LIBRARY.rtcCommitGeometry(geometry.address)
        _LIBRARY.rtcSetSceneFlags(self.address, _STATIC_FLAGS)
        _LIBRARY.rtcSetSceneBuildQuality(self.address, _QUALITY_HIGH)
        _LIBRARY.rtcAttachGeometryByID(self.address, geometry.address, 0)
        _LIBRARY.rtcCommitScene(self.address)
        device.check()


def _fill_buffer(geometry: Geometry, slot: int, layout: int, rows: np.ndarray) -> None:
    """Let Embree allocate a buffer of three 4-byte numbers a row and copy the rows into it."""
    address = _LIBRARY.rtcSetNewGeometryBuffer(
        geometry.address, slot, 0, layout, rows.shape[1] * 4, len(rows)
    )
    geometry.device.check()
    ctypes.memmove(address, np.ascontiguousarray(rows).ctypes.data, rows.nbytes)


class InstanceScene(_Handle):
    """A tree over instances of other scenes, rebuilt cheaply after they move.

    The instance in slot i reports i as its instance id.
    """

    def __init__(self, device: Device) -> None:
        super().__init__(
            _LIBRARY.rtcNewScene(device.address), _LIBRARY.rtcReleaseScene, device.address
        )
        self.device = device
        self._slots: list[Geometry] = []
        _LIBRARY.rtcSetSceneFlags(self.address, _DYNAMIC_FLAG)
        _LIBRARY.rtcSetSceneBuildQuality(self.address, _QUALITY_LOW)

    def __len__(self) -> int:
        """Number of slots."""
        return len(self._slots)

    def handles(self) -> Int[np.ndarray, " slot"]:
        """Address of the instance in each slot, for `place_instances`."""
        return np.array([slot.address for slot in self._slots], dtype=np.int64)

    def append(self, shown: TriangleScene, mask: int) -> None:
        """One more slot; it stands at the origin until it is placed.

        Args:
            shown: scene that the instance shows.
            mask: a ray sees it when it shares a bit.
        """
        geometry = Geometry(self.device, _INSTANCE)
        _LIBRARY.rtcSetGeometryInstancedScene(geometry.address, shown.address)
        _LIBRARY.rtcSetGeometryMask(geometry.address, mask)
        _LIBRARY.rtcCommitGeometry(geometry.address)
        _LIBRARY.rtcAttachGeometryByID(self.address, geometry.address, len(self._slots))
        self._slots.append(geometry)
        self.device.check()

    def show(self, slot: int, shown: TriangleScene) -> None:
        """Let a slot show another scene, from the next commit of its geometry on."""
        _LIBRARY.rtcSetGeometryInstancedScene(self._slots[slot].address, shown.address)

    def set_mask(self, slot: int, mask: int) -> None:
        """Change who sees a slot."""
        geometry = self._slots[slot]
        _LIBRARY.rtcSetGeometryMask(geometry.address, mask)
        _LIBRARY.rtcCommitGeometry(geometry.address)

    def set_enabled(self, slot: int, *, enabled: bool) -> None:
        """Take a slot out of the scene, or bring it back, at the next commit."""
        geometry = self._slots[slot]
        (_LIBRARY.rtcEnableGeometry if enabled else _LIBRARY.rtcDisableGeometry)(geometry.address)

    def commit(self) -> None:
        """Rebuild the tree after changes.

        Raises:
            EmbreeError: for anything that went wrong since the last check.
        """
        _LIBRARY.rtcCommitScene(self.address)
        self.device.check()
