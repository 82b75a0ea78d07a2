"""Render mesh of a town, generated from its lanes: no pictures, no models, one seed."""

from symdrive.maps.scenery.build import build_mesh as build_mesh
