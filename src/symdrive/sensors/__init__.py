"""Pure functions of scene, sensor spec and generator: cameras, LiDAR, GNSS, IMU."""
